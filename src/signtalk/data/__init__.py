"""A data folder: its table, other tools' formats, tokenizer, check, splits and packed clips."""
