"""Wrong answers to the exercises of 01_pixels_and_learning, named after the mistake; checkers must refuse them."""

import numpy as np
import torch


# 01.1 change(first, second)
def wraps_around(first, second):
    return first - second


def absolute_value_too_late(first, second):
    return np.abs(first - second)


def clipped_at_zero(first, second):
    return np.clip(first.astype(int) - second.astype(int), 0, 255).astype(np.uint8)


def eight_bits_with_sign(first, second):
    return np.abs(first.astype(np.int8) - second.astype(np.int8)).astype(np.uint8)


def left_as_int16(first, second):
    return np.abs(first.astype(np.int16) - second.astype(np.int16))


def left_as_float(first, second):
    return np.abs(first.astype(float) - second.astype(float))


def sign_kept(first, second):
    return (first.astype(np.int16) - second.astype(np.int16)).astype(np.uint8)


def smaller_of_both_wrapped(first, second):
    return np.minimum(first - second, second - first)


def scaled_to_fill_the_range(first, second):
    difference = np.abs(first.astype(float) - second.astype(float))
    return (255 * difference / max(difference.max(initial=0), 1) * 0.5).astype(np.uint8)


def writes_into_the_first_image(first, second):
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16)).astype(np.uint8)
    first[...] = difference
    return difference


def difference_never_returned(first, second):
    np.abs(first.astype(np.int16) - second.astype(np.int16)).astype(np.uint8)


def largest_difference_only(first, second):
    return np.abs(first.astype(np.int16) - second.astype(np.int16)).max().astype(np.uint8)


# 01.2 to_network(photos)
def scaled(photos):
    """Photographs (N, H, W, 3) -> the same axes, -1 to 1, as a tensor."""
    return torch.from_numpy(photos).to(torch.float32) / 127.5 - 1


def reshaped_not_permuted(photos):
    n, height, width, channels = photos.shape
    return scaled(photos).reshape(n, channels, height, width)


def channels_left_last(photos):
    return scaled(photos)


def height_and_width_swapped(photos):
    return scaled(photos).permute(0, 3, 2, 1)


def blue_before_red(photos):
    return scaled(photos).permute(0, 3, 1, 2).flip(1)


def zero_to_one(photos):
    return torch.from_numpy(photos).to(torch.float32).permute(0, 3, 1, 2) / 255


def not_scaled(photos):
    return torch.from_numpy(photos).to(torch.float32).permute(0, 3, 1, 2)


def divided_by_128(photos):
    return torch.from_numpy(photos).to(torch.float32).permute(0, 3, 1, 2) / 128 - 1


def subtracted_before_dividing(photos):
    return (torch.from_numpy(photos).to(torch.float32).permute(0, 3, 1, 2) - 1) / 127.5


def sixty_four_bits(photos):
    return torch.from_numpy(photos / 127.5 - 1).permute(0, 3, 1, 2)


def stays_an_array(photos):
    return (photos.astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)


def whole_numbers_divided(photos):
    return (torch.from_numpy(photos) // 128).permute(0, 3, 1, 2).to(torch.float32) * 2 - 1


def stretched_to_each_photograph(photos):
    pixels = torch.from_numpy(photos).to(torch.float32).permute(0, 3, 1, 2)
    low, high = pixels.amin((1, 2, 3), keepdim=True), pixels.amax((1, 2, 3), keepdim=True)
    return 2 * (pixels - low) / (high - low).clamp(min=1) - 1


def standardised_by_these_photographs(photos):
    pixels = photos.astype(np.float32)
    return torch.from_numpy((pixels - pixels.mean((0, 1, 2))) / pixels.std((0, 1, 2))).permute(0, 3, 1, 2)


def first_photograph_alone(photos):
    return scaled(photos)[0].permute(2, 0, 1)


def writes_into_the_photographs(photos):
    result = scaled(photos).permute(0, 3, 1, 2).clone()
    photos[...] = 0
    return result


# 01.3 stopping_epoch(losses, patience)
def looks_into_the_future(losses, patience):
    return losses.index(min(losses)) + 1


def counts_from_zero(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


def returns_the_last_epoch(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            return epoch
    return len(losses)


def returns_the_loss(losses, patience):
    best = losses[0]
    waited = 0
    for loss in losses[1:]:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited >= patience:
            break
    return best


def one_epoch_too_patient(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best > patience:
            break
    return best


def one_epoch_too_hasty(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience - 1:
            break
    return best


def count_never_starts_again(losses, patience):
    best, waited = 1, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch > 1:
            waited += 1
            if waited >= patience:
                break
    return best


def compares_with_the_epoch_before(losses, patience):
    best, waited = 1, 0
    for epoch in range(2, len(losses) + 1):
        waited = 0 if losses[epoch - 1] < losses[epoch - 2] else waited + 1
        best = epoch if losses[epoch - 1] < losses[best - 1] else best
        if waited >= patience:
            break
    return best


def last_of_equals(losses, patience):
    best, waited = 1, 0
    for epoch, loss in enumerate(losses[1:], start=2):
        waited = 0 if loss < losses[best - 1] else waited + 1
        best = epoch if loss <= losses[best - 1] else best
        if waited >= patience:
            break
    return best


def greatest_loss(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss > losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


def forgets_a_list_without_end(losses, patience):
    best = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            return best
    return None


# 01.4 descend(loss_fn, start, rate, steps)
def gradients_add_up(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
    return weights.detach()


def goes_uphill(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights += rate * weights.grad
        weights.grad = None
    return weights.detach()


def changes_the_start(loss_fn, start, rate, steps):
    weights = start.requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        weights.grad = None
    return weights.detach()


def still_needs_a_gradient(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        weights.grad = None
    return weights


def one_step_too_few(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(1, steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        weights.grad = None
    return weights.detach()


def one_step_too_many(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps + 1):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        weights.grad = None
    return weights.detach()


def gradient_of_the_start_throughout(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    loss_fn(weights).backward()
    return (weights - rate * steps * weights.grad).detach()


def rate_forgotten(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= weights.grad
        weights.grad = None
    return weights.detach()


def sign_of_the_gradient_alone(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad.sign()
        weights.grad = None
    return weights.detach()


def step_recorded(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        weights -= rate * weights.grad
        weights.grad = None
    return weights.detach()


def new_weights_lose_their_gradient(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        weights = weights - rate * weights.grad
    return weights.detach()


def result_of_the_step_thrown_away(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        weights.detach() - rate * weights.grad
        weights.grad = None
    return weights.detach()


def converts_to_32_bits(loss_fn, start, rate, steps):
    weights = start.detach().to(torch.float32).clone().requires_grad_()
    for _ in range(steps):
        loss_fn(weights).backward()
        with torch.no_grad():
            weights -= rate * weights.grad
        weights.grad = None
    return weights.detach().flatten()


def momentum_added(loss_fn, start, rate, steps):
    weights = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([weights], lr=rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_fn(weights).backward()
        optimizer.step()
    return weights.detach()


def hands_out_the_start_itself(loss_fn, start, rate, steps):
    weights = start.detach()
    for _ in range(steps):
        weights = weights.clone().requires_grad_()
        loss_fn(weights).backward()
        weights = (weights - rate * weights.grad).detach()
    return weights


WRONG = {
    "01.1": [
        wraps_around,
        absolute_value_too_late,
        clipped_at_zero,
        eight_bits_with_sign,
        left_as_int16,
        left_as_float,
        sign_kept,
        smaller_of_both_wrapped,
        scaled_to_fill_the_range,
        writes_into_the_first_image,
        difference_never_returned,
        largest_difference_only,
    ],
    "01.2": [
        reshaped_not_permuted,
        channels_left_last,
        height_and_width_swapped,
        blue_before_red,
        zero_to_one,
        not_scaled,
        divided_by_128,
        subtracted_before_dividing,
        sixty_four_bits,
        stays_an_array,
        whole_numbers_divided,
        stretched_to_each_photograph,
        standardised_by_these_photographs,
        first_photograph_alone,
        writes_into_the_photographs,
    ],
    "01.3": [
        looks_into_the_future,
        counts_from_zero,
        returns_the_last_epoch,
        returns_the_loss,
        one_epoch_too_patient,
        one_epoch_too_hasty,
        count_never_starts_again,
        compares_with_the_epoch_before,
        last_of_equals,
        greatest_loss,
        forgets_a_list_without_end,
    ],
    "01.4": [
        gradients_add_up,
        goes_uphill,
        changes_the_start,
        still_needs_a_gradient,
        one_step_too_few,
        one_step_too_many,
        gradient_of_the_start_throughout,
        rate_forgotten,
        sign_of_the_gradient_alone,
        step_recorded,
        new_weights_lose_their_gradient,
        result_of_the_step_thrown_away,
        converts_to_32_bits,
        momentum_added,
        hands_out_the_start_itself,
    ],
}
