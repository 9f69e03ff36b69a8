import pytest

from aliked_ros.evaluation.methods.method import Budget, MethodName


@pytest.mark.parametrize(
    ("text", "model", "argument", "label"),
    [
        ("sift", "sift", "", "sift"),
        ("aliked-n16:/data/own.pth", "aliked-n16", "/data/own.pth", "aliked-n16:own.pth"),
        ("aliked-t16:seed:0", "aliked-t16", "seed:0", "aliked-t16:seed:0"),
    ],
)
def test_a_name_is_a_model_and_what_it_is_opened_with(text, model, argument, label):
    name = MethodName(text)
    assert (name.model, name.argument, name.label) == (model, argument, label)


def test_the_same_file_name_with_other_content_is_another_identity():
    name = MethodName("aliked-n16:/data/own.pth")
    first, second = (name.identity(version, Budget()) for version in ("0a1b", "2c3d"))
    assert first == "aliked-n16_own.pth-0a1b-5000-0.2"
    assert first != second
