"""What people must know of each TA-Lib candlestick function: one `Shape` a function, all 61 of them.

``signs`` are the outputs that the function can have. Where it has both, the positive one is the bullish
detector and the negative one the bearish. Ten functions are always positive because their candle alone has
no side: the plain dojis and the rickshaw man are read as long, and are context only; the gravestone doji is
read as short, as chartists read it. Spinning tops, high waves and short and long lines take their sign from
the colour of the body.

``needs_gap``: TA-Lib recognises the pattern only with a gap between two bodies or two ranges, with an open
beyond the bar before, or with an open a whole body away from the close before. Where trading never stops a
bar opens at the close before it, so these cannot occur there.
"""

from typing import NamedTuple

NISON = "Nison, Japanese Candlestick Charting Techniques (1991)"
MORRIS = "Morris, Candlestick Charting Explained (1995)"
CHESLER = "Chesler, Trading False Moves with the Hikkake Pattern (2004)"


class Shape(NamedTuple):
    """One TA-Lib function. ``candles`` is the length of the pattern in bars."""

    function: str
    name: str
    candles: int
    signs: tuple[int, ...]
    trigger: bool
    needs_gap: bool
    source: str
    definition: str


BOTH = (1, -1)
UP = (1,)
DOWN = (-1,)

SHAPES = (
    Shape("CDL2CROWS", "two_crows", 3, DOWN, False, True, MORRIS,
          "After a long white candle a black one gaps up; the next black one closes inside the white body."),
    Shape("CDL3BLACKCROWS", "three_black_crows", 3, DOWN, True, False, NISON,
          "Three black candles in a row, each opening inside the body before it and closing near its low."),
    Shape("CDL3INSIDE", "three_inside", 3, BOTH, True, False, MORRIS,
          "A harami that the third candle confirms by closing beyond the first candle's open."),
    Shape("CDL3LINESTRIKE", "three_line_strike", 4, BOTH, True, False, MORRIS,
          "Three candles with the trend, then one that undoes all three: a pause in that trend."),
    Shape("CDL3OUTSIDE", "three_outside", 3, BOTH, True, False, MORRIS,
          "An engulfing pattern that the third candle confirms by closing further in its direction."),
    Shape("CDL3STARSINSOUTH", "three_stars_in_the_south", 3, UP, False, False, MORRIS,
          "Three ever smaller black candles with higher lows: the selling dries up."),
    Shape("CDL3WHITESOLDIERS", "three_white_soldiers", 3, UP, True, False, NISON,
          "Three white candles in a row, each opening near the body before it, closing near its high."),
    Shape("CDLABANDONEDBABY", "abandoned_baby", 3, BOTH, True, True, NISON,
          "A doji cut off by gaps on both sides, between a long candle with the trend and one against it."),
    Shape("CDLADVANCEBLOCK", "advance_block", 3, DOWN, False, False, NISON,
          "Three white candles close higher, but bodies shrink and upper shadows grow: the advance tires."),
    Shape("CDLBELTHOLD", "belt_hold", 1, BOTH, False, False, NISON,
          "A long candle that opens at its extreme and runs one way."),
    Shape("CDLBREAKAWAY", "breakaway", 5, BOTH, True, True, MORRIS,
          "A gap with the trend, two more candles that way, then a long one back into the gap."),
    Shape("CDLCLOSINGMARUBOZU", "closing_marubozu", 1, BOTH, False, False, MORRIS,
          "A long candle that closes at its extreme."),
    Shape("CDLCONCEALBABYSWALL", "concealing_baby_swallow", 4, UP, False, True, MORRIS,
          "Two black candles without shadows, a third that gaps down and rallies, a fourth that engulfs it."),
    Shape("CDLCOUNTERATTACK", "counterattack", 2, BOTH, False, True, NISON,
          "Two long candles of opposite colour that close at the same price."),
    Shape("CDLDARKCLOUDCOVER", "dark_cloud_cover", 2, DOWN, True, True, NISON,
          "After a long white candle a black one opens above its high and closes well into its body."),
    Shape("CDLDOJI", "doji", 1, UP, False, False, NISON,
          "A candle that closes where it opened: indecision."),
    Shape("CDLDOJISTAR", "doji_star", 2, BOTH, False, True, NISON,
          "A doji that gaps away from a long candle in the direction of the trend."),
    Shape("CDLDRAGONFLYDOJI", "dragonfly_doji", 1, UP, False, False, NISON,
          "A doji at the top of its range with a long lower shadow: sellers were thrown back."),
    Shape("CDLENGULFING", "engulfing", 2, BOTH, True, False, NISON,
          "A candle whose body covers the opposite body of the one before."),
    Shape("CDLEVENINGDOJISTAR", "evening_doji_star", 3, DOWN, True, True, NISON,
          "A long white candle, a doji that gaps up, a black candle that closes well into the white body."),
    Shape("CDLEVENINGSTAR", "evening_star", 3, DOWN, True, True, NISON,
          "A long white candle, a small body that gaps up, a black candle well into the white one."),
    Shape("CDLGAPSIDESIDEWHITE", "side_by_side_white_lines", 3, BOTH, False, True, NISON,
          "Two white candles side by side behind a gap, which they leave open."),
    Shape("CDLGRAVESTONEDOJI", "gravestone_doji", 1, UP, False, False, NISON,
          "A doji at the bottom of its range with a long upper shadow: buyers were thrown back."),
    Shape("CDLHAMMER", "hammer", 1, UP, True, False, NISON,
          "A small body with a long lower shadow, at or below the low before it."),
    Shape("CDLHANGINGMAN", "hanging_man", 1, DOWN, True, False, NISON,
          "A small body with a long lower shadow, at or above the high before it."),
    Shape("CDLHARAMI", "harami", 2, BOTH, False, False, NISON,
          "A small body inside the long opposite body before it."),
    Shape("CDLHARAMICROSS", "harami_cross", 2, BOTH, False, False, NISON,
          "A doji inside the long body before it."),
    Shape("CDLHIGHWAVE", "high_wave", 1, BOTH, False, False, NISON,
          "A short body between two very long shadows."),
    Shape("CDLHIKKAKE", "hikkake", 3, BOTH, False, False, CHESLER,
          "An inside bar breaks one way, fails, and within three bars closes beyond its other end."),
    Shape("CDLHIKKAKEMOD", "hikkake_modified", 4, BOTH, False, False, CHESLER,
          "A hikkake whose inside bar itself holds an inside bar that closes near its end."),
    Shape("CDLHOMINGPIGEON", "homing_pigeon", 2, UP, False, False, MORRIS,
          "A small black body inside the long black body before it."),
    Shape("CDLIDENTICAL3CROWS", "identical_three_crows", 3, DOWN, False, False, MORRIS,
          "Three black candles in a row, each opening at the close before it."),
    Shape("CDLINNECK", "in_neck", 2, DOWN, False, True, NISON,
          "After a long black candle a white one opens below its low and closes barely inside its body."),
    Shape("CDLINVERTEDHAMMER", "inverted_hammer", 1, UP, True, True, NISON,
          "A small body with a long upper shadow that gaps down from the body before it."),
    Shape("CDLKICKING", "kicking", 2, BOTH, True, True, NISON,
          "Two candles without shadows, of opposite colour, with a gap between them."),
    Shape("CDLKICKINGBYLENGTH", "kicking_by_length", 2, BOTH, False, True, MORRIS,
          "A kicking pattern that points the way of its longer candle."),
    Shape("CDLLADDERBOTTOM", "ladder_bottom", 5, UP, False, True, MORRIS,
          "Three falling black candles, a fourth with an upper shadow, then a white one that gaps up."),
    Shape("CDLLONGLEGGEDDOJI", "long_legged_doji", 1, UP, False, False, NISON,
          "A doji with a long shadow: indecision after a wide swing."),
    Shape("CDLLONGLINE", "long_line", 1, BOTH, False, False, MORRIS,
          "A long body with short shadows."),
    Shape("CDLMARUBOZU", "marubozu", 1, BOTH, False, False, MORRIS,
          "A long body without shadows."),
    Shape("CDLMATCHINGLOW", "matching_low", 2, UP, False, False, MORRIS,
          "Two black candles with the same close: a floor."),
    Shape("CDLMATHOLD", "mat_hold", 5, UP, True, True, NISON,
          "A long white candle, a gap up, three small candles that hold above it, then a new high close."),
    Shape("CDLMORNINGDOJISTAR", "morning_doji_star", 3, UP, True, True, NISON,
          "A long black candle, a doji that gaps down, a white candle that closes well into the black body."),
    Shape("CDLMORNINGSTAR", "morning_star", 3, UP, True, True, NISON,
          "A long black candle, a small body that gaps down, a white candle well into the black one."),
    Shape("CDLONNECK", "on_neck", 2, DOWN, False, True, NISON,
          "After a long black candle a white one opens below its low and closes at that low."),
    Shape("CDLPIERCING", "piercing", 2, UP, True, True, NISON,
          "After a long black candle a white one opens below its low and closes in its body's upper half."),
    Shape("CDLRICKSHAWMAN", "rickshaw_man", 1, UP, False, False, NISON,
          "A long-legged doji whose body lies in the middle of its range."),
    Shape("CDLRISEFALL3METHODS", "three_methods", 5, BOTH, True, False, NISON,
          "A long candle, three small ones against it within its range, then a long one to a new close."),
    Shape("CDLSEPARATINGLINES", "separating_lines", 2, BOTH, False, False, NISON,
          "A candle against the trend, then a long one with it that opens at the same price."),
    Shape("CDLSHOOTINGSTAR", "shooting_star", 1, DOWN, True, True, NISON,
          "A small body with a long upper shadow that gaps up from the body before it."),
    Shape("CDLSHORTLINE", "short_line", 1, BOTH, False, False, MORRIS,
          "A short body with short shadows."),
    Shape("CDLSPINNINGTOP", "spinning_top", 1, BOTH, False, False, NISON,
          "A small body with longer shadows on both sides."),
    Shape("CDLSTALLEDPATTERN", "stalled_pattern", 3, DOWN, False, False, NISON,
          "Two long white candles, then a small white one near their top: the advance stalls."),
    Shape("CDLSTICKSANDWICH", "stick_sandwich", 3, UP, False, False, MORRIS,
          "Two black candles with the same close, a white one between them."),
    Shape("CDLTAKURI", "takuri", 1, UP, False, False, NISON,
          "A dragonfly doji with a very long lower shadow."),
    Shape("CDLTASUKIGAP", "tasuki_gap", 3, BOTH, True, True, NISON,
          "A gap with the trend, then an opposite candle that reaches into the gap without closing it."),
    Shape("CDLTHRUSTING", "thrusting", 2, DOWN, False, True, NISON,
          "After a long black candle a white one opens below its low and closes in its body's lower half."),
    Shape("CDLTRISTAR", "tristar", 3, BOTH, False, True, NISON,
          "Three dojis in a row, the middle one beyond the others by a gap."),
    Shape("CDLUNIQUE3RIVER", "unique_three_river", 3, UP, False, False, NISON,
          "A long black candle, a small black one inside it with a new low, a small white one below."),
    Shape("CDLUPSIDEGAP2CROWS", "upside_gap_two_crows", 3, DOWN, False, True, NISON,
          "After a long white candle two black ones stay above a gap, the second covering the first."),
    Shape("CDLXSIDEGAP3METHODS", "gap_three_methods", 3, BOTH, False, True, NISON,
          "Two candles with the trend and a gap between them, then an opposite one that fills the gap."),
)  # fmt: skip
