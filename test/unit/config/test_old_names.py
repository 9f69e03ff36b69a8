from dataclasses import fields

from aliked_ros import config
from aliked_ros.config import Config, nodes
from aliked_ros.config.old_names import OLD_NAMES

NAMES = {
    item.name
    for module in (config, nodes)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Config)
    for item in fields(kind)
}


def test_old_names_lead_to_names_that_exist_and_are_used_by_nobody():
    for old, new in OLD_NAMES.items():
        assert old.rpartition(".")[2] not in NAMES
        assert not new or new.rpartition(".")[2] in NAMES
        assert not new or old.rpartition(".")[0] == new.rpartition(".")[0]
