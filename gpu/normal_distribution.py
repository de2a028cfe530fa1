"""The standard normal distribution function and its inverse for whole arrays, without scipy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# J. F. Hart et al., Computer Approximations (1968), algorithm 5666, in the form given by G. West, "Better
# approximations to cumulative normal functions" (2005).
_HART_NUMERATOR = (
    0.0352624965998911,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_HART_DENOMINATOR = (
    0.0883883476483184,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)
_FAR = 5 * np.sqrt(2.0)
_ROOT_TWO_PI = np.sqrt(2 * np.pi)

# M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37
# (1988), routine PPND16. Highest power first.
_CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_MIDDLE = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def normal_cdf(x: ArrayLike) -> Floats:
    """P(Z <= x). Absolute error below 1e-15, relative error in the lower tail below 1e-8."""
    values = np.asarray(x, dtype=np.float64)
    distance = np.minimum(np.abs(values), 38.0)
    density = np.exp(-distance * distance / 2)
    near = density * np.polyval(_HART_NUMERATOR, distance) / np.polyval(_HART_DENOMINATOR, distance)
    fraction = distance + 0.65
    for term in (4, 3, 2, 1):
        fraction = distance + term / fraction
    upper_tail = np.where(distance < _FAR, near, density / fraction / _ROOT_TWO_PI)
    below: Floats = np.where(values > 0, 1 - upper_tail, upper_tail)
    return below


def normal_quantile(p: ArrayLike) -> Floats:
    """The x with P(Z <= x) = p; minus or plus infinity at 0 and 1. Relative error below 1e-14.

    Raises ValueError outside [0, 1].
    """
    values = np.asarray(p, dtype=np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("a probability must lie between 0 and 1")
    offset = values - 0.5
    centre = _ratio(_CENTRE, 0.180625 - offset * offset) * offset
    with np.errstate(divide="ignore"):
        root = np.sqrt(-np.log(np.minimum(values, 1 - values)))
    finite = np.where(np.isinf(root), 6.0, root)
    tail = np.where(finite <= 5, _ratio(_MIDDLE, finite - 1.6), _ratio(_TAIL, finite - 5))
    tail = np.where(np.isinf(root), np.inf, tail)
    return np.where(np.abs(offset) <= 0.425, centre, np.copysign(tail, offset))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    numerator, denominator = coefficients
    ratio: Floats = np.polyval(numerator, x) / np.polyval(denominator, x)
    return ratio


def normal_density(x: ArrayLike) -> Floats:
    values = np.asarray(x, dtype=np.float64)
    density: Floats = np.exp(-values * values / 2) / _ROOT_TWO_PI
    return density
