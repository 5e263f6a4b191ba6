"""Two-layer linear networks that learn two points, in plain NumPy."""

import numpy as np

from repalign_utils.dynamics import trajectory


def two_layer_linear(scale, seed, *, units=50, dx2=1.0, dy2=0.25, steps=4000):
    """H, Y and w at each step of gradient descent on two opposite points.

    The loss is the mean of half the squares. On points at -dx / 2 and dx / 2 it gives
    dh the gradient -(lr / 4) dx2 (decoder . error): eta_h = eta_y = lr / 2.
    """
    rng = np.random.default_rng(seed)
    learning_rate = 0.2 / (1 + units * scale**2)
    x, goal = (np.array([[-0.5], [0.5]]) * np.sqrt(square) for square in (dx2, dy2))
    encoder, decoder = scale * rng.normal(size=(2, 1, units))
    decoder = decoder.T
    hidden, outputs = [], []
    for _ in range(steps):
        hidden.append(x @ encoder)
        outputs.append(hidden[-1] @ decoder)
        error = learning_rate / 2 * (outputs[-1] - goal)
        toward = x.T @ error @ decoder.T
        decoder = decoder - hidden[-1].T @ error
        encoder = encoder - toward
    run = trajectory(
        x, goal, np.array(hidden), np.array(outputs), times=np.arange(steps)
    )
    return run, learning_rate / 2
