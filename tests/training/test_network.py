from signtalk.training.network import model_config
from signtalk.training.recipe import Recipe

SETTINGS = (
    "network.width=24", "network.embedding_dim=40", "network.num_heads=3", "network.dropout=0.3",
    "network.decoder_width=28", "network.decoder_layers=3", "network.decoder_heads=7",
    "network.decoder_feed_forward=29", "network.decoder_dropout=0.4", "network.max_tokens=31",
    "network.text_width=36", "network.text_layers=4", "network.text_heads=9", "network.text_dropout=0.5",
    "network.supcon_dim=6",
)  # fmt: skip


def test_each_flat_setting_reaches_its_part() -> None:
    recipe = Recipe().changed(SETTINGS)
    config = model_config(recipe, vocabulary_size=50)
    encoder, decoder, text = config.encoder, config.decoder, config.text_encoder
    assert (encoder.width, encoder.embedding_dim, encoder.num_heads, encoder.dropout) == (24, 40, 3, 0.3)
    assert encoder.num_features == recipe.features.num_features
    assert (decoder.width, decoder.num_layers, decoder.num_heads, decoder.feed_forward) == (28, 3, 7, 29)
    assert (decoder.dropout, decoder.max_tokens, decoder.vocabulary_size) == (0.4, 31, 50)
    assert decoder.memory_width == encoder.memory_width
    assert text is not None
    assert (text.width, text.num_layers, text.num_heads, text.dropout) == (36, 4, 9, 0.5)
    assert (text.vocabulary_size, text.embedding_dim, config.supcon_dim) == (50, 40, 6)


def test_what_the_losses_do_not_teach_is_not_built() -> None:
    recipe = Recipe().changed(["losses.align_weight=0", "losses.ctc_weight=0"])
    config = model_config(recipe, 50)
    assert config.text_encoder is None
    assert not config.spells


def test_motion_is_read_where_the_features_have_it() -> None:
    assert model_config(Recipe(), 9).motion == "last-column"
    assert model_config(Recipe.named("prototype"), 9).motion == "prototype-rows"
