import pytest

from signtalk import errors

CHILDREN = {
    "DataError": "SignTalkError",
    "ClipError": "DataError",
    "ArtifactError": "SignTalkError",
    "ExportRefusedError": "ArtifactError",
    "ConfigError": "SignTalkError",
    "MissingExtraError": "SignTalkError",
}


def test_the_tree_is_the_one_that_the_docstring_draws():
    classes = {name: cls for name, cls in vars(errors).items() if isinstance(cls, type)}
    assert set(classes) == {"SignTalkError", *CHILDREN}
    assert {name: classes[name].__bases__[0].__name__ for name in CHILDREN} == CHILDREN
    assert all(name in errors.__doc__ for name in classes)


def test_a_missing_extra_is_also_an_import_error():
    with pytest.raises(ImportError, match="pip install"):
        raise errors.MissingExtraError("plots need matplotlib: pip install 'signtalk[train]'")


def test_user_errors_are_not_programming_errors():
    assert not issubclass(errors.SignTalkError, (ValueError, TypeError))
