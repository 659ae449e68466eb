"""A made-up data folder and sources of hard clips for tests of the stress test, without a model."""

from signtalk.manifest import load_manifest
from signtalk.stress_sources import Sources
from signtalk.synthetic import SyntheticConfig, read_settings, write_dataset

CONFIG = SyntheticConfig(num_sentences=8, num_signers=2, clips_per_sentence=(2, 2), num_idle=2)


def made_sources(folder, **changes):
    """Six known sentences and two unknown ones, each signed by two people."""
    write_dataset(folder, CONFIG)
    signing = [record for record in load_manifest(folder).records if not record.is_idle]
    idle = [record for record in load_manifest(folder).records if record.is_idle]
    keys = list(dict.fromkeys(record.text_key for record in signing))
    parts = {
        "known": tuple(record for record in signing if record.text_key in keys[:6]),
        "unknown": tuple(record for record in signing if record.text_key in keys[6:]),
        "idle": tuple(idle),
        "other": (),
        "indexed": frozenset(keys[:6]),
        "made_up": read_settings(folder),
        "seed": 0,
    }
    return Sources(**{**parts, **changes})
