"""The equations of two points: their solution, and altered ones, integrated."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import exprel

ALTERATIONS = {
    "doubled_y": "dY/dt twice as large",
    "doubled_h": "dH/dt twice as large",
    "flipped_w": "the last term of dw/dt with the other sign",
    "dropped_y": "dY/dt without its term in dx2 Y / H",
}


class Start(NamedTuple):
    """Where two points start, and rates a = eta_h dx2 and b = eta_y."""

    h: float
    y: float
    w: float
    dy2: float
    a: float
    b: float


def solution(start: Start, times: np.ndarray) -> tuple[np.ndarray, ...]:
    """H, Y and w (t,) of the paper's equations at times (t,) from 0 on.

    rho + kappa / 2 is 2 u' / u with u'' = (sigma / 2)^2 u, and then 1 / H and
    dy / sqrt(H) need the integrals of u^2 exp(kappa t / 2) and of u exp(kappa t / 4).
    """
    h, y, w, dy2, a, b = start
    inner = y - w
    kappa = b * h - a * y / h
    product = a * b * dy2
    sigma = np.hypot(kappa / 2, np.sqrt(product))
    # sigma + kappa / 2 and sigma - kappa / 2: the smaller by their product
    larger = sigma + abs(kappa) / 2
    smaller = product / larger if larger else 0.0
    growth, other = (larger, smaller) if kappa >= 0 else (smaller, larger)
    rho = a * inner / h
    up = (growth + rho) / (2 * sigma) if sigma else 0.5
    down = (other - rho) / (2 * sigma) if sigma else 0.5
    # Each is divided by its growth from here on, so that nothing overflows.
    u = up + down * np.exp(-sigma * times)
    integral = (
        up**2 * _between(0, growth, times)
        + 2 * up * down * _between(sigma, growth, times)
        + down**2 * _between(2 * sigma, growth, times)
    )
    root = up * _between(0, growth / 2, times) + down * _between(
        sigma, growth / 2, times
    )
    below = np.exp(-growth * times) + b * h * integral
    left, added = np.exp(-growth * times / 2), b * h / 2 * root
    outputs = (u / below) ** 2 * np.maximum(
        left**2 * y + 2 * left * added * inner + added**2 * dy2, 0
    )  # a square, whatever rounding says
    answer = u / below * (left * inner + added * dy2)
    return h * u**2 / below, outputs, outputs - answer


def integrated(
    start: Start, times: np.ndarray, alteration: str
) -> tuple[np.ndarray, ...] | None:
    """H, Y and w (t,) of altered equations, or None where they run away.

    In units of the theory's own scales, and with log H, which stays finite where H
    falls by orders of magnitude.
    """
    h, y, w, dy2, a, b = start
    length = np.sqrt(a * dy2 / b)
    clock = np.sqrt(a * b * dy2)
    initial = [np.log(h / length), y / dy2, w / dy2]
    ends = np.r_[0.0, times] * clock
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it fails is in what it returns
        found = solve_ivp(
            _derivative,
            (0, ends[-1]),
            initial,
            method="LSODA",
            t_eval=ends[1:],
            args=(alteration,),
            rtol=1e-6,
            atol=1e-9,
        )
    if not found.success or not np.isfinite(found.y).all():
        return None
    log_h, y, w = found.y
    return length * np.exp(log_h), dy2 * y, dy2 * w


def _derivative(_: float, state: np.ndarray, alteration: str) -> list[float]:
    """Of log H, Y, w where dx2, dy2 and both rates are 1."""
    log_h, y, w = state
    h = np.exp(log_h)
    own = 0 if alteration == "dropped_y" else y / h
    along = -w / h * (2 if alteration == "doubled_h" else 1)
    outputs = -w * (h + own) * (2 if alteration == "doubled_y" else 1)
    sign = -1 if alteration == "flipped_w" else 1
    return [along, outputs, -(3 * w - y + 1) * h / 2 - sign * (y + w) * w / h / 2]


def _between(first: float, second: float, times: np.ndarray) -> np.ndarray:
    """(exp(-first t) - exp(-second t)) / (second - first), also where they agree."""
    slower, gap = min(first, second), abs(first - second)
    return times * np.exp(-slower * times) * exprel(-gap * times)
