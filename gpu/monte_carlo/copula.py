"""How events depend on each other: common factors behind their latent variables, and what to do with a bad matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..normal_distribution import normal_quantile
from ..student_t import t_quantile

Floats = NDArray[np.float64]

LARGEST_MATRIX = 500
LEAST_OWN_VARIANCE = 1e-3
"""What every event keeps for itself of a correlation matrix; smaller eigenvalues count as not positive definite."""
_MOST_DEGREES = 200
_ROUNDS = 200
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class Copula:
    """The latent variable of event e is `loadings[e]` @ factors + `own[e]` x noise, all standard normal.

    With `degrees` it is a t copula: the latent variables of events that have loadings are divided by the root of one
    common chi-square variable over its `degrees` (S. Demarta and A. McNeil, "The t copula and related copulas",
    2005). `matrix_change` is the largest change of an entry where the matrix given had to be replaced by the nearest
    valid one, 0 where it had not.
    """

    loadings: Floats
    own: Floats
    degrees: int | None = None
    matrix_change: float = 0.0

    @classmethod
    def parse(cls, payload: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Copula:
        """From `correlation` (a matrix between events) or each event's `cluster` and `loading`, and `copula`.

        `copula` is {"family": "gaussian"} or {"family": "t", "degrees_of_freedom": n}. Raises ValueError.
        """
        degrees = _degrees(payload.get("copula") or {"family": "gaussian"})
        if payload.get("correlation") is not None:
            return cls.of_matrix(np.array(payload["correlation"], dtype=np.float64), len(events), degrees)
        own_loadings = [float(event.get("loading") or 0.0) for event in events]
        for loading in own_loadings:
            if not -1 < loading < 1:
                raise ValueError(f"a loading lies between -1 and 1, not {loading}")
        clusters = [
            event.get("cluster") if loading else None for event, loading in zip(events, own_loadings, strict=True)
        ]
        names = list(dict.fromkeys(name for name in clusters if name))
        loadings = np.zeros((len(events), len(names)))
        for index, (name, loading) in enumerate(zip(clusters, own_loadings, strict=True)):
            if name:
                loadings[index, names.index(name)] = loading
        return cls(loadings, np.sqrt(1 - np.sum(loadings**2, axis=1)), degrees)

    @classmethod
    def of_matrix(cls, matrix: Floats, size: int, degrees: int | None = None) -> Copula:
        """The factors of a correlation matrix, largest first; exact, since the smallest eigenvalue is own noise."""
        if matrix.shape != (size, size) or size > LARGEST_MATRIX:
            raise ValueError(f"a correlation matrix of {size} events is {size} x {size}, at most {LARGEST_MATRIX} wide")
        if not np.all(np.abs(matrix) <= 1) or not np.allclose(matrix, matrix.T, atol=1e-8):
            raise ValueError("a correlation matrix is symmetric, with entries between -1 and 1")
        if not np.allclose(np.diag(matrix), 1.0):
            raise ValueError("a correlation matrix has ones on its diagonal")
        valid = nearest_correlation(matrix)
        change = float(np.abs(valid - matrix).max())
        values, vectors = np.linalg.eigh(valid)
        own_variance = min(float(values[0]), 1.0)
        kept = values - own_variance > _NEGLIGIBLE
        loadings = (vectors[:, kept] * np.sqrt(values[kept] - own_variance))[:, ::-1]
        # The signs of eigenvectors are arbitrary, and would make a seed's result depend on the linear algebra library.
        signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0) if loadings.size else 1.0
        loadings = loadings * signs
        own = np.sqrt(np.maximum(1 - np.sum(loadings**2, axis=1), 0.0))
        return cls(loadings, own, degrees, change if change > _NEGLIGIBLE else 0.0)

    @property
    def correlated(self) -> NDArray[np.bool_]:
        """Which events depend on any other."""
        return np.asarray(np.any(self.loadings != 0, axis=1))

    def latent_boundaries(self, chances: Floats, events: NDArray[np.int64]) -> Floats:
        """Values of the latent variable below which the given cumulative chances lie, of the events given."""
        normal = normal_quantile(chances)
        if self.degrees is None or not chances.size:
            return normal
        return np.where(self.correlated[events], t_quantile(chances, self.degrees), normal)


def nearest_correlation(matrix: Floats, *, least_eigenvalue: float = LEAST_OWN_VARIANCE) -> Floats:
    """The matrix itself if its eigenvalues reach `least_eigenvalue`, else the nearest correlation matrix.

    Alternating projections with Dykstra's correction (N. Higham, "Computing the nearest correlation matrix - a
    problem from finance", 2002), then drawn towards the identity by what is left to the least eigenvalue.
    """
    values = np.linalg.eigvalsh(matrix)
    if values[0] >= least_eigenvalue - 1e-12:
        return matrix
    current, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(_ROUNDS):
        shifted = current - correction
        eigenvalues, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(eigenvalues, least_eigenvalue)) @ vectors.T
        correction = projected - shifted
        following = projected.copy()
        np.fill_diagonal(following, 1.0)
        moved = float(np.abs(following - current).max())
        current = following
        if moved < 1e-8:
            break
    least = float(np.linalg.eigvalsh(current)[0])
    if least < least_eigenvalue:
        weight = (least_eigenvalue - least) / (1 - least)
        current = (1 - weight) * current + weight * np.eye(len(current))
    return current


def _degrees(copula: Mapping[str, Any]) -> int | None:
    family = copula.get("family", "gaussian")
    if family == "gaussian":
        return None
    if family != "t":
        raise ValueError(f"a copula is gaussian or t, not {family!r}")
    degrees = copula.get("degrees_of_freedom")
    if not isinstance(degrees, int) or isinstance(degrees, bool) or not 2 <= degrees <= _MOST_DEGREES:
        raise ValueError(f"a t copula needs whole degrees of freedom from 2 to {_MOST_DEGREES}")
    return degrees
