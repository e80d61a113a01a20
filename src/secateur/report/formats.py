"""How each quantity is printed; the only place where a fraction becomes per cent.

Numbers stand apart from their units by a space that does not break, and negative numbers have a true minus sign.
"""

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
GAP = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"

THOUSANDS = ("", "k", "M", "G", "T", "P")
BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
"""Decimal units, as disks and file managers count."""

PLAIN_BELOW = 10_000
"""A count under this is printed in full."""

SMALLEST_P = 0.001
"""Below this a p-value is printed as an inequality: a bootstrap of 10,000 draws resolves little finer."""


def count(value: float) -> str:
    """Parameters, MACs, words.

    >>> count(9_999), count(4_213_004).replace(GAP, "_")
    ('9,999', '4.21_M')
    """
    return f"{value:,.0f}" if abs(value) < PLAIN_BELOW else _scaled(value, THOUSANDS)


def size(value: float) -> str:
    """Bytes, in powers of 1000.

    >>> size(999).replace(GAP, "_"), size(16_900_000).replace(GAP, "_")
    ('999_B', '16.9_MB')
    """
    return _scaled(value, BYTES)


def seconds(value: float) -> str:
    """A duration, from microseconds to hours.

    >>> [seconds(v).replace(GAP, "_") for v in (2.5e-5, 0.0123, 12, 90, 7260)]
    ['25.0_µs', '12.3_ms', '12.0_s', '1_min_30_s', '2_h_1_min']
    """
    if value < 1e-3:
        return f"{_three_digits(value * 1e6)}{GAP}µs"
    if value < 1:
        return f"{_three_digits(value * 1e3)}{GAP}ms"
    if value < 60:
        return f"{_three_digits(value)}{GAP}s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}{GAP}min{GAP}{whole % 60}{GAP}s"
    return f"{whole // 3600}{GAP}h{GAP}{whole % 3600 // 60}{GAP}min"


def audio(value: float) -> str:
    """A length of audio, without digits it does not have.

    >>> audio(10.0).replace(GAP, "_"), audio(2.5).replace(GAP, "_")
    ('10_s', '2.5_s')
    """
    return f"{value:g}{GAP}s"


def share(value: float) -> str:
    """A fraction in [0, 1] as per cent: WER, CER, the share kept.

    >>> share(0.0613).replace(GAP, "_"), share(1).replace(GAP, "_")
    ('6.13_%', '100.00_%')
    """
    return f"{100 * value:.2f}{GAP}%"


def bound(value: float) -> str:
    """One end of an interval of a fraction, per cent without its sign.

    >>> bound(0.0613)
    '6.13'
    """
    return f"{100 * value:.2f}"


def points(value: float) -> str:
    """A difference of two fractions in percentage points, always signed.

    >>> points(0.003), points(-0.004) == MINUS + "0.40"
    ('+0.30', True)
    """
    return _signed(f"{100 * value:+.2f}")


def change(ratio: float) -> str:
    """After / before as a signed percentage.

    >>> change(0.4998).replace(GAP, "_") == MINUS + "50.0_%", change(1.2).replace(GAP, "_")
    (True, '+20.0_%')
    """
    return f"{_signed(f'{100 * (ratio - 1):+.1f}')}{GAP}%"


def times(value: float) -> str:
    """A speed-up.

    >>> times(1.8) == "1.80" + TIMES
    True
    """
    return f"{value:.2f}{TIMES}"


def plain(value: float) -> str:
    """Four significant digits: a perplexity, anything unnamed.

    >>> plain(0.012346), plain(3), plain(123456)
    ('0.01235', '3', '123,456')
    """
    return f"{value:,.0f}" if value == round(value) or abs(value) >= PLAIN_BELOW else f"{value:.4g}"


def factor(value: float) -> str:
    """Three significant digits: a real-time factor.

    >>> factor(0.0021491), factor(1.5)
    ('0.00215', '1.5')
    """
    return f"{value:.3g}"


def p_value(value: float) -> str:
    """A p-value with its relation.

    >>> p_value(0.31).replace(GAP, "_"), p_value(0.0001).replace(GAP, "_")
    ('=_0.31', '<_0.001')
    """
    if value < SMALLEST_P:
        return f"<{GAP}{SMALLEST_P}"
    return f"={GAP}{value:.3f}" if value < 0.1 else f"={GAP}{value:.2f}"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    step = 0
    while abs(value) >= 999.5 and step < len(units) - 1:
        value, step = value / 1000, step + 1
    digits = f"{value:.0f}" if step == 0 else _three_digits(value)
    return f"{digits}{GAP}{units[step]}" if units[step] else digits


def _three_digits(value: float) -> str:
    if abs(value) < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def _signed(printed: str) -> str:
    return printed.replace("-", MINUS)
