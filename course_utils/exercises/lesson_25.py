"""Checkers of 25_speedrun: when a recording pays, whitening that stays in place, an orthogonal step that settles."""

import torch

from course_utils.exercises import Wrong, checker, expect_close, question_for

UNCHANGED = "Is the input left as it was?"


@checker("25.1", hint="Is it the first n with setup + n · recorded below n · eager?")
def check_25_1(function, seed):
    """runs_until_it_pays(setup, eager, recorded) -> whole number or None."""
    hint = "After 2 runs: 3 + 2 · 1 = 5 against 2 · 2 = 4; after 3 both are 6. Equal is not less: is it 4?"
    expect_close(function(3.0, 2.0, 1.0), 4, given="setup 3, eager 2, recorded 1", hint=hint)
    expect_close(function(2.5, 2.0, 1.0), 3, given="setup 2.5, eager 2, recorded 1")
    hint = "Nothing to pay back, and faster at once: it pays after the first run."
    expect_close(function(0.0, 2.0, 1.0), 1, given="setup 0, eager 2, recorded 1", hint=hint)
    for eager, recorded in ((1.0, 1.0), (1.0, 2.0)):
        hint = "Where a recorded run is not faster, the setup is never paid back."
        given = f"setup 3, eager {eager}, recorded {recorded}"
        expect_close(function(3.0, eager, recorded), None, given=given, hint=hint)
    generator = torch.Generator().manual_seed(seed)
    for setup, eager, faster in torch.randint(1, 64, (8, 3), generator=generator).tolist():
        recorded = eager * faster / 64  # exact in binary, as are the sums below
        n = next(n for n in range(1, 9999) if setup + n * recorded < n * eager)
        expect_close(function(setup, eager, recorded), n, given=f"setup {setup}, eager {eager}, recorded {recorded}")
    return "by hand, without setup, never, eight random cases by counting"


def _in_place(patches: torch.Tensor, eps: float) -> torch.Tensor:
    """The same by another way: Newton's iteration for the inverse root would do; here the SVD of the patches."""
    centred = patches - patches.mean(dim=0)
    u, s, vt = torch.linalg.svd(centred / len(centred) ** 0.5, full_matrices=False)  # covariance: V s² Vᵀ
    return len(centred) ** 0.5 * (u * (s / (s**2 + eps).sqrt())) @ vt


@checker("25.2", hint="Is it centred · V · diag((variances + eps)^(−1/2)) · Vᵀ?")
def check_25_2(function, seed):
    """whiten_in_place(patches, eps) -> (N, D)."""
    apart = torch.tensor([[7.0, 1.0], [3.0, 1.0], [5.0, 1.5], [5.0, 0.5]], dtype=torch.float64)
    hint = "Uncorrelated columns with variances (by N) 2 and 0.125: each is centred and divided by the root of its own."
    wanted = (apart - apart.mean(dim=0)) / torch.tensor([2.0, 0.125], dtype=torch.float64).sqrt()
    _, vectors = torch.linalg.eigh(torch.diag(torch.tensor([2.0, 0.125], dtype=torch.float64)))
    answer, turned = function(apart, 0.0), "Is it turned back by Vᵀ in the end? These are the numbers of section 2."
    hint = question_for(answer, {turned: wanted @ vectors}) or hint
    expect_close(answer, wanted, given="four patches with uncorrelated columns", hint=hint)
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    patches = torch.randn(300, 6, generator=generator, dtype=torch.float64) @ mixing + 3.0
    kept, right = patches.clone(), _in_place(patches, 0.0)
    given = "300 random patches, six correlated numbers each, mean 3"
    answer = function(patches, 0.0)
    centred = patches - patches.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred / 300)
    questions = {
        turned: right @ vectors,
        "Is the covariance divided by N?": _in_place(patches, 0.0) / 300**0.5,
        "Is the mean of each column subtracted first?": right + patches.mean(dim=0),
    }
    expect_close(answer, right, given=given, hint=question_for(answer, questions))
    damped = function(patches, 0.5)
    hint = "eps is added to each variance, before the root is taken."
    expect_close(damped, _in_place(patches, 0.5), given=given + ", eps 0.5", hint=hint)
    expect_close(patches, kept, given="the patches after the call", hint=UNCHANGED)
    return "uncorrelated columns by hand, random patches with and without eps against another decomposition"


def _random_matrix(seed: int, rows: int, columns: int, values: torch.Tensor) -> torch.Tensor:
    """A matrix with these singular values."""
    generator, size = torch.Generator().manual_seed(seed), len(values)
    u = torch.linalg.qr(torch.randn(rows, size, generator=generator, dtype=torch.float64))[0]
    v = torch.linalg.qr(torch.randn(columns, size, generator=generator, dtype=torch.float64))[0]
    return u @ values.double().diag() @ v.T


@checker("25.3", hint="Does x ← 1.5 x − 0.5 x xᵀ x repeat until nothing changes, from a matrix divided by its norm?")
def check_25_3(function, seed):
    """nearest_orthogonal(matrix, tolerance) -> (M, N)."""
    stretch = torch.tensor([[3.0, 0.0], [0.0, 0.03]], dtype=torch.float64)
    kept, hint = stretch.clone(), "All singular values become one: diag(3, 0.03) becomes the identity."
    expect_close(function(stretch, 1e-9), torch.eye(2).double(), given="diag(3, 0.03)", hint=hint, tolerance=1e-4)
    expect_close(stretch, kept, given="the matrix after the call", hint=UNCHANGED)
    turn = torch.tensor([[0.0, -5.0], [5.0, 0.0]], dtype=torch.float64)
    given = "five times a quarter turn"
    expect_close(function(turn, 1e-9), turn / 5, given=given, hint="A turn stays a turn.", tolerance=1e-4)
    for rows, columns in ((4, 9), (9, 4), (5, 5)):
        matrix = _random_matrix(seed, rows, columns, torch.logspace(0, -4, min(rows, columns)))
        kept = matrix.clone()
        u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
        for scale in (1.0, 1000.0):
            answer = function(scale * matrix, 1e-9)
            given = f"a {rows} × {columns} matrix with singular values from {scale:g} to {scale / 1e4:g}"
            hint = "Does it go on until nothing changes, however long that takes, and whatever the scale?"
            expect_close(answer, u @ vt, given=given, hint=hint, tolerance=1e-4)
        function(matrix, 1e-9)
        expect_close(matrix, kept, given="the matrix after the call", hint=UNCHANGED)
    rough = function(stretch, 0.4)
    if torch.allclose(rough, torch.eye(2).double(), atol=1e-3):
        raise Wrong("for diag(3, 0.03) and tolerance 0.4: expected an early end, got the full result. Is it used?")
    return "two by hand, wide, tall and square matrices at two scales against the SVD, a large tolerance"
