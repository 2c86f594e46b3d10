"""Wrong answers to the exercises of 22_transfer_learning, named after the mistake; each checker must refuse its own."""

import numpy as np


# 22.1 trainable_share(module)
def counts_tensors_not_numbers(module):
    learns = [parameter.requires_grad for parameter in module.parameters()]
    return sum(learns) / len(learns) if learns else 0.0


def buffers_counted(module):
    total = sum(tensor.numel() for tensor in module.state_dict().values())
    return sum(p.numel() for p in module.parameters() if p.requires_grad) / total if total else 0.0


def percent_not_share(module):
    total = sum(p.numel() for p in module.parameters())
    return 100 * sum(p.numel() for p in module.parameters() if p.requires_grad) / total if total else 0.0


def division_by_zero(module):
    total = sum(p.numel() for p in module.parameters())
    return sum(p.numel() for p in module.parameters() if p.requires_grad) / total


def nothing_learns_entirely(module):
    total = sum(p.numel() for p in module.parameters())
    return sum(p.numel() for p in module.parameters() if p.requires_grad) / total if total else 1.0


def frozen_share(module):
    total = sum(p.numel() for p in module.parameters())
    return sum(p.numel() for p in module.parameters() if not p.requires_grad) / total if total else 0.0


def learning_over_frozen(module):
    learning = sum(p.numel() for p in module.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in module.parameters() if not p.requires_grad)
    return learning / frozen if frozen else 1.0


def count_not_share(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def evaluation_mode_taken_for_frozen(module):
    layers = [layer for layer in module.modules() if not list(layer.children())]
    sizes = [sum(p.numel() for p in layer.parameters()) for layer in layers]
    learning = sum(size for size, layer in zip(sizes, layers, strict=True) if layer.training)
    return learning / sum(sizes) if sum(sizes) else 0.0


def first_tensor_of_a_layer_speaks_for_all(module):
    total = learning = 0
    for layer in {id(layer): layer for layer in module.modules()}.values():
        own = list(layer.parameters(recurse=False))
        total += sum(p.numel() for p in own)
        learning += sum(p.numel() for p in own) if own and own[0].requires_grad else 0
    return learning / total if total else 0.0


def shared_parameters_counted_twice(module):
    found = [parameter for _, parameter in module.named_parameters(remove_duplicate=False)]
    total = sum(p.numel() for p in found)
    return sum(p.numel() for p in found if p.requires_grad) / total if total else 0.0


def thaws_what_it_counts(module):
    total = sum(p.numel() for p in module.parameters())
    learning = sum(p.numel() for p in module.parameters() if p.requires_grad)
    module.requires_grad_(True)
    return learning / total if total else 0.0


# 22.2 depth_groups(stages, top_rate, decay)
def groups_of(stages, rate_of):
    """One group for each stage with something to learn; `rate_of(i)` is its rate."""
    learning = [[p for p in stage.parameters() if p.requires_grad] for stage in stages]
    return [{"params": own, "lr": rate_of(i)} for i, own in enumerate(learning) if own]


def rate_multiplied_by_decay(stages, top_rate, decay):
    return groups_of(stages, lambda i: top_rate * decay ** (len(stages) - 1 - i))


def order_reversed(stages, top_rate, decay):
    return groups_of(stages, lambda i: top_rate / decay ** (len(stages) - 1 - i))[::-1]


def lowest_stage_gets_the_top_rate(stages, top_rate, decay):
    return groups_of(stages, lambda i: top_rate / decay**i)


def one_step_too_many(stages, top_rate, decay):
    return groups_of(stages, lambda i: top_rate / decay ** (len(stages) - i))


def decay_times_steps_instead_of_power(stages, top_rate, decay):
    return groups_of(stages, lambda i: top_rate / (decay * (len(stages) - 1 - i) or 1))


def frozen_parameters_included(stages, top_rate, decay):
    top = len(stages) - 1
    groups = [
        {"params": list(stage.parameters()), "lr": top_rate / decay ** (top - i)} for i, stage in enumerate(stages)
    ]
    return [group for group in groups if group["params"]]


def partly_frozen_stage_included_whole(stages, top_rate, decay):
    top = len(stages) - 1
    return [
        {"params": list(stage.parameters()), "lr": top_rate / decay ** (top - i)}
        for i, stage in enumerate(stages)
        if any(p.requires_grad for p in stage.parameters())
    ]


def partly_frozen_stage_left_out(stages, top_rate, decay):
    top = len(stages) - 1
    return [
        {"params": list(stage.parameters()), "lr": top_rate / decay ** (top - i)}
        for i, stage in enumerate(stages)
        if list(stage.parameters()) and all(p.requires_grad for p in stage.parameters())
    ]


def frozen_stage_shifts_the_rates(stages, top_rate, decay):
    learning = [stage for stage in stages if any(p.requires_grad for p in stage.parameters())]
    return groups_of(learning, lambda i: top_rate / decay ** (len(learning) - 1 - i))


def params_as_generator(stages, top_rate, decay):
    top = len(stages) - 1
    return [{"params": stage.parameters(), "lr": top_rate / decay ** (top - i)} for i, stage in enumerate(stages)]


def empty_groups_kept(stages, top_rate, decay):
    top = len(stages) - 1
    return [
        {"params": [p for p in stage.parameters() if p.requires_grad], "lr": top_rate / decay ** (top - i)}
        for i, stage in enumerate(stages)
    ]


def key_called_rate(stages, top_rate, decay):
    groups = groups_of(stages, lambda i: top_rate / decay ** (len(stages) - 1 - i))
    return [{"params": group["params"], "rate": group["lr"]} for group in groups]


def copies_instead_of_parameters(stages, top_rate, decay):
    groups = groups_of(stages, lambda i: top_rate / decay ** (len(stages) - 1 - i))
    return [{"params": [p.detach().clone() for p in group["params"]], "lr": group["lr"]} for group in groups]


def list_of_stages_reversed_in_place(stages, top_rate, decay):
    stages.reverse()
    return groups_of(stages, lambda i: top_rate / decay**i)[::-1]


def groups_never_returned(stages, top_rate, decay):
    groups_of(stages, lambda i: top_rate / decay ** (len(stages) - 1 - i))


# 22.3 paired_interval(a, b, quantile)
def unpaired_variance(a, b, quantile):
    error = np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / len(a))
    return float(np.mean(a) - np.mean(b)), float(quantile * error)


def population_deviation(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(quantile * differences.std() / np.sqrt(len(a)))


def forgets_the_root(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / len(a))


def deviation_not_standard_error(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(quantile * differences.std(ddof=1))


def variance_not_deviation(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(quantile * differences.var(ddof=1) / len(a))


def sign_swapped(a, b, quantile):
    differences = np.subtract(b, a)
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / np.sqrt(len(a)))


def differences_without_sign(a, b, quantile):
    differences = np.abs(np.subtract(a, b))
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / np.sqrt(len(a)))


def full_width(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(2 * quantile * differences.std(ddof=1) / np.sqrt(len(a)))


def quantile_of_three_runs_always(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(4.303 * differences.std(ddof=1) / np.sqrt(len(a)))


def quantile_forgotten(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(a)))


def three_runs_taken_for_granted(a, b, quantile):
    differences = np.subtract(a, b)
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / np.sqrt(3))


def pairs_lost_by_sorting(a, b, quantile):
    differences = np.sort(a) - np.sort(b)
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / np.sqrt(len(a)))


def ends_of_the_interval(a, b, quantile):
    differences = np.subtract(a, b)
    half = quantile * differences.std(ddof=1) / np.sqrt(len(a))
    return float(differences.mean() - half), float(differences.mean() + half)


def lists_subtracted(a, b, quantile):
    differences = a - b
    return float(differences.mean()), float(quantile * differences.std(ddof=1) / np.sqrt(len(a)))


def sorts_its_input(a, b, quantile):
    answer = float(np.mean(np.subtract(a, b))), float(quantile * np.subtract(a, b).std(ddof=1) / np.sqrt(len(a)))
    a.sort()
    return answer


# 22.4 ridge_probe(features, targets, strength)
def solved(features, targets, strength):
    """Weights (D,) that solve the ridge equations of the arrays as they are."""
    return np.linalg.solve(features.T @ features + strength * np.eye(features.shape[1]), features.T @ targets)


def intercept_penalised(features, targets, strength):
    solution = solved(np.column_stack([features, np.ones(len(features))]), targets, strength)
    return solution[:-1], float(solution[-1])


def no_centring(features, targets, strength):
    weights = solved(features, targets, strength)
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def targets_alone_centred(features, targets, strength):
    weights = solved(features, targets - targets.mean(), strength)
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def one_mean_for_all_features(features, targets, strength):
    weights = solved(features - features.mean(), targets - targets.mean(), strength)
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def features_standardised(features, targets, strength):
    scale = np.where(features.std(axis=0) > 0, features.std(axis=0), 1)
    centred = (features - features.mean(axis=0)) / scale
    weights = solved(centred, targets - targets.mean(), strength) / scale
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def strength_times_n(features, targets, strength):
    weights = solved(features - features.mean(axis=0), targets - targets.mean(), strength * len(features))
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def error_averaged_not_summed(features, targets, strength):
    weights = solved(features - features.mean(axis=0), targets - targets.mean(), strength / len(features))
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def strength_added_everywhere(features, targets, strength):
    centred = features - features.mean(axis=0)
    weights = np.linalg.lstsq(centred.T @ centred + strength, centred.T @ (targets - targets.mean()))[0]
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def intercept_forgotten(features, targets, strength):
    return solved(features - features.mean(axis=0), targets - targets.mean(), strength), 0.0


def intercept_is_the_mean_of_the_targets(features, targets, strength):
    weights = solved(features - features.mean(axis=0), targets - targets.mean(), strength)
    return weights, float(targets.mean())


def uses_lstsq_without_strength(features, targets, strength):
    weights = np.linalg.lstsq(features - features.mean(axis=0), targets - targets.mean())[0]
    return weights, float(targets.mean() - features.mean(axis=0) @ weights)


def transposed_weights(features, targets, strength):
    weights = solved(features - features.mean(axis=0), targets[:, None] - targets.mean(), strength)
    return weights, float((targets.mean() - features.mean(axis=0) @ weights)[0])


def transposed_product(features, targets, strength):
    centred = features - features.mean(axis=0)
    weights = np.linalg.solve(centred @ centred.T + strength * np.eye(len(centred)), targets - targets.mean())
    return weights, float(targets.mean())


def intercept_first(features, targets, strength):
    weights = solved(features - features.mean(axis=0), targets - targets.mean(), strength)
    return float(targets.mean() - features.mean(axis=0) @ weights), weights


def centres_in_place(features, targets, strength):
    middle, level = features.mean(axis=0), targets.mean()
    features -= middle
    weights = solved(features, targets - level, strength)
    return weights, float(level - middle @ weights)


WRONG = {
    "22.1": [
        counts_tensors_not_numbers,
        buffers_counted,
        percent_not_share,
        division_by_zero,
        nothing_learns_entirely,
        frozen_share,
        learning_over_frozen,
        count_not_share,
        evaluation_mode_taken_for_frozen,
        first_tensor_of_a_layer_speaks_for_all,
        shared_parameters_counted_twice,
        thaws_what_it_counts,
    ],
    "22.2": [
        rate_multiplied_by_decay,
        order_reversed,
        lowest_stage_gets_the_top_rate,
        one_step_too_many,
        decay_times_steps_instead_of_power,
        frozen_parameters_included,
        partly_frozen_stage_included_whole,
        partly_frozen_stage_left_out,
        frozen_stage_shifts_the_rates,
        params_as_generator,
        empty_groups_kept,
        key_called_rate,
        copies_instead_of_parameters,
        list_of_stages_reversed_in_place,
        groups_never_returned,
    ],
    "22.3": [
        unpaired_variance,
        population_deviation,
        forgets_the_root,
        deviation_not_standard_error,
        variance_not_deviation,
        sign_swapped,
        differences_without_sign,
        full_width,
        quantile_of_three_runs_always,
        quantile_forgotten,
        three_runs_taken_for_granted,
        pairs_lost_by_sorting,
        ends_of_the_interval,
        lists_subtracted,
        sorts_its_input,
    ],
    "22.4": [
        intercept_penalised,
        no_centring,
        targets_alone_centred,
        one_mean_for_all_features,
        features_standardised,
        strength_times_n,
        error_averaged_not_summed,
        strength_added_everywhere,
        intercept_forgotten,
        intercept_is_the_mean_of_the_targets,
        uses_lstsq_without_strength,
        transposed_weights,
        transposed_product,
        intercept_first,
        centres_in_place,
    ],
}
