"""Training: settings, optimizers, the loop, and fitting a network to a view."""
