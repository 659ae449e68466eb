"""The text decoder against PyTorch's own, its cached steps, and its exported graphs."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from made.decoding import greedy_decode, text_log_prob, total_log_prob
from signtalk.models.text_decoder import DecoderStart, DecoderStep, TextDecoder, TextDecoderConfig, TorchStepDecoder
from signtalk.recognition.beam_search import DecodingOptions, beam_search

CONFIG = TextDecoderConfig(
    vocabulary_size=13, width=16, num_heads=2, feed_forward=24, memory_width=10, max_tokens=12, num_layers=2
)


def sharp_decoder(config=CONFIG, seed=0):
    """A decoder with random weights whose answers are not all alike: its logits are spread by hand."""
    torch.manual_seed(seed)
    decoder = TextDecoder(config).eval()
    with torch.no_grad():
        decoder.embedding.weight *= 40
        decoder.output.weight *= 4
    return decoder


def some_memory(num_clips=3, num_frames=7, seed=1):
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(num_clips, num_frames, CONFIG.memory_width, generator=generator)
    lengths = torch.arange(num_clips) % num_frames + 1
    return memory, torch.arange(num_frames) >= num_frames - lengths[:, None]


def some_tokens(num_clips=3, length=6, seed=2):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(4, CONFIG.vocabulary_size, (num_clips, length), generator=generator)
    tokens[:, 0] = CONFIG.sos_id
    return tokens


@pytest.fixture(scope="module")
def decoder():
    return sharp_decoder()


# --- the network -----------------------------------------------------------------------------------------------


def pytorch_decoder(decoder):
    """torch.nn.TransformerDecoder holding the same weights."""
    config = decoder.config
    layer = nn.TransformerDecoderLayer(
        config.width, config.num_heads, config.feed_forward, 0.0, "gelu", batch_first=True, norm_first=True
    )
    oracle = nn.TransformerDecoder(layer, config.num_layers, norm=nn.LayerNorm(config.width)).eval()
    oracle.norm.load_state_dict(decoder.norm.state_dict())
    for theirs, ours in zip(oracle.layers, decoder.layers, strict=True):
        for attention, source in (
            (theirs.self_attn, ours.self_attention),
            (theirs.multihead_attn, ours.cross_attention),
        ):
            with torch.no_grad():
                attention.in_proj_weight.copy_(torch.cat([source.query.weight, source.key_value.weight]))
                attention.in_proj_bias.copy_(torch.cat([source.query.bias, source.key_value.bias]))
            attention.out_proj.load_state_dict(source.output.state_dict())
        theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
        theirs.linear2.load_state_dict(ours.feed_forward[3].state_dict())
        theirs.norm1.load_state_dict(ours.norm_self.state_dict())
        theirs.norm2.load_state_dict(ours.norm_cross.state_dict())
        theirs.norm3.load_state_dict(ours.norm_feed_forward.state_dict())
    return oracle


def test_forward_equals_pytorchs_decoder(decoder):
    with torch.no_grad():  # norms of 1 and biases of 0 would hide an exchange
        for parameter in decoder.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(parameter)))
    tokens, (memory, valid) = some_tokens(), some_memory()
    positions = torch.tensor(
        [
            [(math.cos if c % 2 else math.sin)(s / 10000 ** ((c - c % 2) / CONFIG.width)) for c in range(CONFIG.width)]
            for s in range(tokens.shape[1])
        ]
    )
    with torch.no_grad():
        expected = decoder.output(
            pytorch_decoder(decoder)(
                decoder.embedding(tokens) + positions,
                decoder.memory_projection(memory),
                tgt_mask=nn.Transformer.generate_square_subsequent_mask(tokens.shape[1]),
                memory_key_padding_mask=~valid,
            )
        )
        found = decoder(tokens, memory, valid)
    assert found.shape == (3, 6, 13)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_cached_steps_equal_the_whole_text(decoder):
    tokens, (memory, valid) = some_tokens(length=CONFIG.max_tokens), some_memory()
    whole = decoder(tokens, memory, valid)
    cross, cache = decoder.start(memory, valid), decoder.empty_cache(3)
    assert cross.shape == (2, 2, 3, 2, 7, 8)
    for s in range(tokens.shape[1]):
        before = cache.clone()
        logits, grown = decoder.step(tokens[:, s], valid, cross, cache)
        torch.testing.assert_close(logits, whole[:, s], rtol=0, atol=1e-5)
        assert torch.equal(cache, before)
        assert grown.shape == (2, 2, 3, 2, s + 1, 8)
        cache = grown


@torch.no_grad()
def test_no_token_sees_what_comes_after_it(decoder):
    tokens, (memory, valid) = some_tokens(), some_memory()
    changed = tokens.clone()
    changed[:, 4:] = CONFIG.pad_id
    before, after = decoder(tokens, memory, valid), decoder(changed, memory, valid)
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=1e-6)
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 0.1


@torch.no_grad()
@pytest.mark.parametrize("padding", [0.0, 1e3, float("nan")])
def test_padding_of_the_memory_changes_nothing(decoder, padding):
    tokens, (memory, _) = some_tokens(2), some_memory(2)
    alone = torch.cat([decoder(tokens[:1], memory[:1, :3], torch.ones(1, 3, dtype=torch.bool)),
                       decoder(tokens[1:], memory[1:], torch.ones(1, 7, dtype=torch.bool))])  # fmt: skip
    padded, valid = torch.full((2, 9, 10), padding), torch.zeros(2, 9, dtype=torch.bool)
    for i, length in enumerate((3, 7)):
        padded[i, :length], valid[i, :length] = memory[i, :length], True
    torch.testing.assert_close(decoder(tokens, padded, valid), alone, rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_memory_without_a_valid_frame_reads_zeros(decoder):
    tokens, (memory, valid) = some_tokens(), some_memory()
    nothing = decoder(tokens, torch.full_like(memory, float("nan")), torch.zeros_like(valid))
    torch.testing.assert_close(nothing, decoder(tokens, torch.zeros_like(memory), valid), rtol=0, atol=1e-5)


def test_gradients_reach_valid_memory_and_every_weight():
    decoder, tokens, (memory, valid) = sharp_decoder(), some_tokens(), some_memory()
    memory.requires_grad_()
    decoder(tokens, memory, valid).square().sum().backward()
    touched = memory.grad.abs().sum(dim=-1) > 0
    assert torch.equal(touched, valid)
    assert all(p.grad.abs().max() > 0 for p in decoder.parameters())


def test_options_act():
    plain = TextDecoder(TextDecoderConfig(vocabulary_size=20))
    assert isinstance(plain.memory_projection, nn.Identity)
    assert isinstance(TextDecoder(CONFIG).memory_projection, nn.Linear)
    assert plain.embedding.weight is not plain.output.weight
    tied = TextDecoder(TextDecoderConfig(vocabulary_size=20, tied_weights=True))
    assert tied.embedding.weight is tied.output.weight
    assert len(tied.layers) == 2
    noisy = TextDecoder(CONFIG.model_copy(update={"dropout": 0.5})).train()
    memory, valid = some_memory()
    assert not torch.equal(noisy(some_tokens(), memory, valid), noisy(some_tokens(), memory, valid))
    assert not plain.embedding.weight[plain.config.pad_id].any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_lower_precision_stays_close(decoder, dtype):
    tokens, (memory, valid) = some_tokens(), some_memory()
    with torch.autocast("cpu", dtype):
        rounded = decoder(tokens, memory, valid)
    assert (rounded.float() - decoder(tokens, memory, valid)).abs().max() < 0.3


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 18, "num_heads": 4},
        {"width": 17, "num_heads": 1},
        {"eos_id": 1},
        {"pad_id": 13},
        {"vocabulary_size": 2},
        {"layers": 2},
        {"dropout": 1.0},
    ],
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValidationError):
        TextDecoderConfig(**(CONFIG.model_dump() | wrong))


def test_longer_texts_than_built_for_are_refused(decoder):
    memory, valid = some_memory()
    with pytest.raises(ValueError, match="texts of 13 tokens; this decoder takes 12"):
        decoder(some_tokens(length=13), memory, valid)
    endless = DecodingOptions(max_tokens=13, min_tokens=12)
    with pytest.raises(ValueError, match="built for texts of 12 tokens"):
        greedy_decode(TorchStepDecoder(decoder), memory.numpy(), valid.numpy(), endless)
    exact = DecodingOptions(max_tokens=12, min_tokens=11)
    assert len(greedy_decode(TorchStepDecoder(decoder), memory.numpy(), valid.numpy(), exact)) == 3


def test_it_learns_what_the_memory_says():
    torch.manual_seed(0)
    decoder = TextDecoder(CONFIG.model_copy(update={"width": 32, "feed_forward": 64, "dropout": 0.0}))
    memory, valid = some_memory(8, 5)
    tokens = some_tokens(8, 6)
    targets = torch.cat([tokens[:, 1:], torch.full((8, 1), CONFIG.eos_id)], dim=1)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=5e-3)
    for _ in range(120):
        loss = nn.functional.cross_entropy(decoder(tokens, memory, valid).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02
    found = greedy_decode(TorchStepDecoder(decoder.eval()), memory.numpy(), valid.numpy(), DecodingOptions())
    assert [list(result.tokens) for result in found] == targets[:, :-1].tolist()


# --- as a StepDecoder ------------------------------------------------------------------------------------------


def uncached_log_prob(decoder, tokens, memory, valid):
    with torch.no_grad():
        inputs = torch.tensor([[CONFIG.sos_id, *tokens]])
        log_probs = decoder(inputs, memory, valid).log_softmax(-1)[0]
    return sum(float(log_probs[i, token]) for i, token in enumerate([*tokens, CONFIG.eos_id]))


def test_step_decoder_scores_texts_as_the_whole_forward_does(decoder):
    memory, valid = some_memory()
    texts = [[5, 6, 4], [], [7, 12, 12, 9, 4]]
    steps = TorchStepDecoder(decoder)
    clips = [(memory[i : i + 1], valid[i : i + 1]) for i in range(len(texts))]
    found = [text_log_prob(steps, m.numpy(), v.numpy(), text) for (m, v), text in zip(clips, texts, strict=True)]
    expected = [uncached_log_prob(decoder, text, *clip) for clip, text in zip(clips, texts, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_beams_found_together_equal_beams_found_alone(seed):
    decoder = sharp_decoder(seed=seed)
    memory, valid = some_memory(5, seed=seed)
    steps, options = TorchStepDecoder(decoder), DecodingOptions(max_tokens=CONFIG.max_tokens)
    together = beam_search(steps, memory.numpy(), valid.numpy(), options)
    for i, results in enumerate(together):
        frames = valid[i]
        alone = beam_search(steps, memory[i : i + 1, frames].numpy(), valid[i : i + 1, frames].numpy(), options)[0]
        assert [r.tokens for r in results] == [r.tokens for r in alone]
        np.testing.assert_allclose([r.score for r in results], [r.score for r in alone], rtol=0, atol=1e-4)
        for result in (r for r in results if r.finished):
            expected = uncached_log_prob(decoder, result.tokens, memory[i : i + 1], valid[i : i + 1])
            assert total_log_prob(result) == pytest.approx(expected, abs=1e-4)


def test_select_copies_the_memorys_keys_only_when_clips_change(decoder):
    memory, valid = some_memory()
    steps = TorchStepDecoder(decoder)
    log_probs, state = steps.step(np.array([1, 1, 1]), steps.start(memory.numpy(), valid.numpy()))
    assert log_probs.dtype == np.float32
    assert log_probs.shape == (3, 13)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=0, atol=1e-5)
    beams = state.select(np.array([0, 0, 2, 2]))
    torch.testing.assert_close(beams.cross, state.cross[:, :, [0, 2]], rtol=0, atol=0)  # one for both beams of a clip
    assert torch.equal(beams.memory_valid, valid[[0, 2]])
    log_probs, beams = steps.step(np.array([4, 5, 6, 7]), beams)
    uneven = state.select(np.array([0, 2, 2, 0]))  # beams of a clip that do not stand side by side
    assert uneven.cross.shape[2] == 4
    other_order, _ = steps.step(np.array([4, 6, 7, 5]), uneven)
    np.testing.assert_allclose(other_order[[0, 3, 1, 2]], log_probs, atol=1e-5)
    swapped = beams.select(np.array([1, 0, 3, 3]))
    assert swapped.cross is beams.cross
    torch.testing.assert_close(swapped.cache, beams.cache[:, :, [1, 0, 3, 3]], rtol=0, atol=0)
    assert beams.select(np.array([2, 3])).cross.shape[2] == 1
    assert beams.select(np.zeros(0, dtype=np.int64)).cross.shape[2] == 0


def test_training_mode_is_refused():
    steps = TorchStepDecoder(TextDecoder(CONFIG).train())
    memory, valid = some_memory()
    with pytest.raises(ValueError, match=r"call eval\(\)"):
        steps.start(memory.numpy(), valid.numpy())


# --- as exported graphs ----------------------------------------------------------------------------------------


def exported(module, inputs, dynamic_shapes, names, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            module,
            inputs,
            input_names=names[0],
            output_names=names[1],
            dynamo=True,
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
        program.save(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def sessions(decoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    any_size = torch.export.Dim.DYNAMIC
    memory, valid = some_memory()
    with torch.no_grad():
        cross, cache = decoder.start(memory, valid), decoder.empty_cache(3)
        for _ in range(2):  # the exporter takes 0 and 1 in the example for fixed sizes
            _, cache = decoder.step(torch.tensor([1, 1, 1]), valid, cross, cache)
    clips = {0: any_size, 1: any_size}
    start = exported(
        DecoderStart(decoder), (memory, valid), (clips, clips), (["memory", "memory_valid"], ["cross"]),
        folder / "start.onnx",
    )  # fmt: skip
    step = exported(
        DecoderStep(decoder),
        (torch.tensor([4, 5, 6]), valid, cross, cache),
        ({0: any_size}, clips, {2: any_size, 4: any_size}, {2: any_size, 4: any_size}),
        (["tokens", "memory_valid", "cross", "cache"], ["log_probs", "new_cache"]),
        folder / "step.onnx",
    )
    return start, step


@dataclass(frozen=True)
class GraphState:
    memory_valid: np.ndarray
    cross: np.ndarray
    cache: np.ndarray

    def select(self, rows):
        return GraphState(self.memory_valid[rows], self.cross[:, :, rows], self.cache[:, :, rows])


@dataclass(frozen=True)
class GraphStepDecoder:
    """The torch-free way: the exported graphs behind the same interface."""

    start_session: onnxruntime.InferenceSession
    step_session: onnxruntime.InferenceSession
    sos_id: int = CONFIG.sos_id
    eos_id: int = CONFIG.eos_id
    vocabulary_size: int = CONFIG.vocabulary_size

    def start(self, memory, memory_valid):
        (cross,) = self.start_session.run(None, {"memory": memory, "memory_valid": memory_valid})
        layers, two, rows, heads, _, head_width = cross.shape
        return GraphState(memory_valid, cross, np.zeros((layers, two, rows, heads, 0, head_width), np.float32))

    def step(self, tokens, state):
        inputs = {"tokens": tokens, "memory_valid": state.memory_valid, "cross": state.cross, "cache": state.cache}
        log_probs, cache = self.step_session.run(None, inputs)
        return log_probs, GraphState(state.memory_valid, state.cross, cache)


@pytest.mark.slow
@pytest.mark.parametrize(("num_clips", "num_frames"), [(1, 1), (2, 1), (1, 4), (5, 9)])
def test_graphs_agree_for_any_size_from_the_empty_cache_on(decoder, sessions, num_clips, num_frames):
    memory, valid = some_memory(num_clips, num_frames)
    valid[-1] = num_clips == 1  # also a clip without a valid frame
    steps, graphs = TorchStepDecoder(decoder), GraphStepDecoder(*sessions)
    state, graph_state = steps.start(memory.numpy(), valid.numpy()), graphs.start(memory.numpy(), valid.numpy())
    np.testing.assert_allclose(graph_state.cross, state.cross.numpy(), rtol=0, atol=1e-5)
    for token in (1, 5, 12, 4):
        tokens = np.full(num_clips, token)
        log_probs, state = steps.step(tokens, state)
        graph_log_probs, graph_state = graphs.step(tokens, graph_state)
        np.testing.assert_allclose(graph_log_probs, log_probs, rtol=0, atol=1e-5)
        np.testing.assert_allclose(graph_state.cache, state.cache.numpy(), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_search_over_the_graphs_finds_the_same_texts(decoder, sessions):
    memory, valid = (array.numpy() for array in some_memory(6, 8))
    options = DecodingOptions(max_tokens=CONFIG.max_tokens)
    expected = beam_search(TorchStepDecoder(decoder), memory, valid, options)
    found = beam_search(GraphStepDecoder(*sessions), memory, valid, options)
    assert len({results[0].tokens for results in found}) > 1
    for ours, theirs in zip(expected, found, strict=True):
        assert [r.tokens for r in ours] == [r.tokens for r in theirs]
        np.testing.assert_allclose([r.score for r in theirs], [r.score for r in ours], rtol=0, atol=1e-4)
