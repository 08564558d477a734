"""The ``sentinel`` command."""

import sys

import typer

from crypto_signals.cli import (
    audit_command,
    backtest_command,
    cleanup_command,
    config_command,
    demo_command,
    evidence_command,
    health_command,
    init_command,
    patterns_command,
    run_command,
    scan_command,
    serve_command,
    signals_command,
    simulator_command,
    store_command,
    warehouse_command,
    why_command,
)
from crypto_signals.cli.interruptions import hear_interruptions, hear_termination, is_interruption
from crypto_signals.cli.output import say
from crypto_signals.domain.errors import LeaseHeld, NoBars, SentinelError, StoreUnusable, UsageError
from crypto_signals.home import HeldByAnother

application = typer.Typer(
    name="sentinel",
    help="Trading setups for crypto and US stocks, announced in Discord and followed to their end.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("demo")(demo_command.demo)
application.command("run")(run_command.run)
application.command("scan")(scan_command.scan)
application.command("why")(why_command.why)
application.command("serve")(serve_command.serve)
application.add_typer(signals_command.application, name="signals")
application.command("patterns")(patterns_command.patterns)
application.command("backtest")(backtest_command.backtest)
application.command("evidence")(evidence_command.evidence)
application.command("audit")(audit_command.audit)
application.command("health")(health_command.health)
application.command("init")(init_command.init)
application.command("cleanup")(cleanup_command.cleanup)
application.add_typer(store_command.application, name="store")
application.add_typer(warehouse_command.application, name="warehouse")
application.command("config")(config_command.config)
application.command("simulator")(simulator_command.simulator)

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Runs a command. What a person can mend is said in a line, never as a traceback."""
    hear_interruptions()
    hear_termination()
    try:
        application(arguments)
    except (HeldByAnother, LeaseHeld) as holder:
        say(str(holder))
        sys.exit(0)
    except UsageError as error:
        for problem in error.problems:
            say(problem, "red")
        sys.exit(2)
    except (StoreUnusable, NoBars) as error:
        say(str(error), "red")
        sys.exit(3)
    except SentinelError as error:
        say(str(error), "red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except SystemError as error:
        if not is_interruption(error):
            raise
        sys.exit(_INTERRUPTED)
