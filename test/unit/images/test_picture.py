from types import SimpleNamespace

from aliked_ros.images.picture import silence


def test_opencv_5_is_silenced_where_its_functions_lie(monkeypatch):
    levels = [3]
    functions = SimpleNamespace(getLogLevel=lambda: levels[-1], setLogLevel=levels.append)
    opencv = SimpleNamespace(utils=SimpleNamespace(logging=functions))
    monkeypatch.setattr("aliked_ros.images.picture.cv2", opencv)
    with silence():
        assert levels == [3, 0]
    assert levels == [3, 0, 3]
