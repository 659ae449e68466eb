"""What the files and folders of a run are called."""

from pathlib import Path

# Left by `signtalk train`.
RECIPE_NAME = "recipe.json"
SPLIT_NAME = "split.json"
VOCABULARY_NAME = "tokenizer_vocab.json"
STATISTICS_NAME = "feature_stats.npz"
STORE_NAME = "store"
HISTORY_NAME = "training_history.csv"
CURVES_NAME = "training_curves.png"
BEST_NAME = "best.safetensors"
"""The model that is shipped."""
LAST_NAME = "last.ckpt"
"""The state that `--resume` goes on from."""

# Added by `signtalk index`.
INDEX_NAME = "index"
DECISION_NAME = "decision.json"

# Added by `signtalk evaluate`.
REPORT_FOLDER = "report"
EVALUATION_NAME = f"{REPORT_FOLDER}/report.json"


def own_index(run: Path) -> Path:
    """The folder of a run's own index."""
    return run / INDEX_NAME
