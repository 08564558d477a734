"""How Discord tells a client about its rate limits.

Source: discord-api-docs, topics/rate-limits. The bucket does not depend on the webhook or the channel, and a
shared limit strikes while the webhook's own headers still promise requests, both as documented.
"""

import hashlib
import math
from typing import Literal

from starlette.responses import JSONResponse, Response

from crypto_signals.simulator.limits import Reading

RATE_LIMITED = "You are being rate limited."
MESSAGES = {"user": RATE_LIMITED, "shared": "The resource is being rate limited.", "global": RATE_LIMITED}


def limit_headers(reading: Reading | None, route: str = "webhooks") -> dict[str, str]:
    """The headers that go on every answer; none when the limit is off."""
    if reading is None:
        return {}
    return {
        "X-RateLimit-Limit": str(reading.limit),
        "X-RateLimit-Remaining": str(reading.remaining),
        "X-RateLimit-Reset": f"{reading.reset_at:.3f}",
        "X-RateLimit-Reset-After": f"{reading.reset_after:.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
    }


def too_many(reading: Reading, scope: Literal["user", "shared", "global"]) -> Response:
    """The 429: ``Retry-After`` in whole seconds, ``retry_after`` to the millisecond, both rounded up."""
    retry_after = math.ceil(reading.reset_after * 1000) / 1000
    everywhere = scope == "global"
    body = {"message": MESSAGES[scope], "retry_after": retry_after, "global": everywhere}
    headers = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    headers |= {"X-RateLimit-Global": "true"} if everywhere else {}
    return JSONResponse(body, 429, headers)
