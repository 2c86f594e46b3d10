"""Wrong answers to the exercises of 25_speedrun, named after the mistake: each must be refused."""

import torch


# 25.1 runs_until_it_pays(setup, eager, recorded)
def equal_counts_as_less(setup, eager, recorded):
    if recorded >= eager:
        return None
    return max(1, -int(-setup // (eager - recorded)))


def rounded_down(setup, eager, recorded):
    return None if recorded >= eager else max(1, int(setup / (eager - recorded)))


def one_too_many(setup, eager, recorded):
    return None if recorded >= eager else int(setup / (eager - recorded)) + 2


def never_left_out(setup, eager, recorded):
    return int(setup / abs(eager - recorded or 1)) + 1


def zero_runs_without_setup(setup, eager, recorded):
    if recorded >= eager:
        return None
    return 0 if setup == 0 else int(setup / (eager - recorded)) + 1


def recorded_seconds_forgotten(setup, eager, recorded):
    return None if recorded >= eager else int(setup / eager) + 1


def no_whole_number(setup, eager, recorded):
    return None if recorded >= eager else setup / (eager - recorded)


# 25.2 whiten_in_place(patches, eps)
def parts(patches):
    """Centred patches, variances and vectors."""
    centred = patches - patches.mean(dim=0)
    return centred, *torch.linalg.eigh(centred.T @ centred / len(centred))


def not_turned_back(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors @ torch.diag((variances + eps) ** -0.5)


def mean_kept(patches, eps):
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    return patches @ vectors @ torch.diag((variances + eps) ** -0.5) @ vectors.T


def mean_added_back(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors @ torch.diag((variances + eps) ** -0.5) @ vectors.T + patches.mean(dim=0)


def covariance_not_divided(patches, eps):
    centred = patches - patches.mean(dim=0)
    variances, vectors = torch.linalg.eigh(centred.T @ centred)
    return centred @ vectors @ torch.diag((variances + eps) ** -0.5) @ vectors.T


def root_forgotten(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors @ torch.diag(1 / (variances + eps)) @ vectors.T


def eps_outside_the_root(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors @ torch.diag(1 / (variances.sqrt() + eps)) @ vectors.T


def eps_forgotten(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors @ torch.diag(variances**-0.5) @ vectors.T


def vectors_in_rows(patches, eps):
    centred, variances, vectors = parts(patches)
    return centred @ vectors.T @ torch.diag((variances + eps) ** -0.5) @ vectors


def each_column_by_itself(patches, eps):
    centred = patches - patches.mean(dim=0)
    return centred / ((centred**2).mean(dim=0) + eps).sqrt()


def patches_overwritten(patches, eps):
    patches -= patches.mean(dim=0)
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    return patches @ vectors @ torch.diag((variances + eps) ** -0.5) @ vectors.T


# 25.3 nearest_orthogonal(matrix, tolerance)
def settle(x, tolerance, rounds=10_000):
    """The iteration itself."""
    for _ in range(rounds):
        x, before = 1.5 * x - 0.5 * x @ x.T @ x, x
        if (x - before).abs().max() <= tolerance:
            break
    return x


def five_rounds(matrix, tolerance):
    return settle(matrix / matrix.norm(), tolerance, rounds=5)


def twenty_rounds(matrix, tolerance):
    return settle(matrix / matrix.norm(), 0.0, rounds=20)


def not_scaled(matrix, tolerance):
    return settle(matrix, tolerance, rounds=60)


def divided_by_the_largest_entry(matrix, tolerance):
    return settle(matrix / matrix.abs().max(), tolerance, rounds=60)


def divided_by_the_norm_only(matrix, tolerance):
    return matrix / matrix.norm()


def entry_by_entry(matrix, tolerance):
    x = matrix / matrix.norm()
    for _ in range(60):
        x = 1.5 * x - 0.5 * x**3
    return x


def rows_normalised(matrix, tolerance):
    return matrix / matrix.norm(dim=1, keepdim=True)


def transposed(matrix, tolerance):
    return settle(matrix / matrix.norm(), tolerance).T


def muons_polynomial(matrix, tolerance):
    x = matrix / matrix.norm()
    for _ in range(40):
        gram = x @ x.T
        x = 3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x
    return x


def tolerance_ignored(matrix, tolerance):
    return settle(matrix / matrix.norm(), 1e-12)


def matrix_overwritten(matrix, tolerance):
    matrix /= matrix.norm()
    return settle(matrix, tolerance)


WRONG = {
    "25.1": [
        equal_counts_as_less,
        rounded_down,
        one_too_many,
        never_left_out,
        zero_runs_without_setup,
        recorded_seconds_forgotten,
        no_whole_number,
    ],
    "25.2": [
        not_turned_back,
        mean_kept,
        mean_added_back,
        covariance_not_divided,
        root_forgotten,
        eps_outside_the_root,
        eps_forgotten,
        vectors_in_rows,
        each_column_by_itself,
        patches_overwritten,
    ],
    "25.3": [
        five_rounds,
        twenty_rounds,
        not_scaled,
        divided_by_the_largest_entry,
        divided_by_the_norm_only,
        entry_by_entry,
        rows_normalised,
        transposed,
        muons_polynomial,
        tolerance_ignored,
        matrix_overwritten,
    ],
}
