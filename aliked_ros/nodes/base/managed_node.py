"""A node with a life cycle: what it works with comes and goes, the node and its name stay."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any, Protocol

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from aliked_ros.config.nodes import LifecycleConfig
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.errors import explain
from aliked_ros.nodes.base.overrides import warn_of_sections, warn_of_unknown
from aliked_ros.nodes.base.parameters import AnyConfig, LiveConfig
from aliked_ros.nodes.base.safe_services import answer_always
from aliked_ros.nodes.base.surroundings import Surroundings
from aliked_ros.nodes.base.topics import Topics


class Work(Protocol):
    """What a configured node works with."""

    def start(self) -> None:
        """Begin to work: the node becomes active."""

    def stop(self) -> None:
        """Let what is in work end, and drop what waits."""


class ManagedNode(LifecycleNode):
    """A managed node of ROS 2 (rclpy's own) whose transitions never end the process.

    Configuring makes the work, with the parameters of that moment; activating opens the topics;
    cleaning up destroys everything that was made since, and frees the memory. A subclass declares
    its parameters when it is made, and says in `make` what it works with.

    Attributes:
        autostart: whether it configures and activates itself at the start.
        diagnostics: of the node; its counts outlive the work.
        topics: that the work subscribes to.
        work: None unless the node is configured.
        is_active: whether it works.
        failure: what made the last transition fail; None if none did.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        warn_of_unknown(self)  # first: what is misspelt may be missed by what is made next
        warn_of_sections(self, name)
        self.work: Any = None
        self.is_active = False
        self.failure: Exception | None = None
        self.autostart = self.parameters(LifecycleConfig).value.autostart
        self.diagnostics = Diagnostics(self)
        self.topics = Topics(self, self.diagnostics)
        self._lasting = self._entities()
        answer_always(self)

    def make(self) -> Work:
        """Make what the node works with; what it creates at the node is destroyed at clean-up.

        Raises:
            ValueError: if a parameter does not allow it; so do OSError and RuntimeError.
        """
        raise NotImplementedError

    def parameters(
        self,
        config_type: type[AnyConfig],
        prefix: str = "",
        on_change: Callable[[AnyConfig], None] = lambda _: None,
    ) -> LiveConfig[AnyConfig]:
        """Declare the parameters of a config; see `LiveConfig`."""
        return LiveConfig(self, config_type, prefix, on_change, lambda: self.work is not None)

    def start_up(self) -> None:
        """Configure and activate, if the node does that itself.

        Raises:
            Exception: what went wrong.
        """
        if not self.autostart:
            self.get_logger().info("waiting to be configured (autostart is false)")
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                raise self.failure or RuntimeError(f"{self.get_name()} could not be started")

    def on_configure(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Make the work."""
        return self._carry_out("configure", self._configure)

    def on_activate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Open the topics."""
        return self._carry_out("activate", self._activate)

    def on_deactivate(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Close the topics, and let what is in work end."""
        return self._carry_out("deactivate", self._deactivate)

    def on_cleanup(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back."""
        return self._carry_out("clean up", self._release)

    def on_shutdown(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back, for good."""
        return self._carry_out("shut down", self._release)

    def on_error(self, _: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back after a transition that broke; the node can be configured again."""
        return self._carry_out("recover", self._release)

    def destroy_node(self) -> None:
        """Let what is in work end, then release everything."""
        self._deactivate()
        super().destroy_node()

    def _configure(self) -> None:
        try:
            self.work = self.make()
            self.diagnostics.add_check(Surroundings(self, self.diagnostics).look)
        except BaseException:
            self._release()
            raise

    def _activate(self) -> None:
        self.work.start()
        self.topics.open()
        self.is_active = True

    def _deactivate(self) -> None:
        self.is_active = False
        self.topics.close()
        if self.work is not None:
            self.work.stop()

    def _release(self) -> None:
        self._deactivate()
        self.work = None
        self.topics.forget()
        self.diagnostics.forget()
        for entity, destroy in self._entities().items():
            if entity not in self._lasting:
                destroy(entity)
        gc.collect()  # networks and their buffers are full of cycles
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _carry_out(self, what: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        """Do what a transition asks for; if that fails, say so and stay."""
        self.failure = None
        try:
            action()
        except Exception as error:
            self.failure = error
            if self.context.ok():  # else somebody has ended the process meanwhile
                self.get_logger().error(f"cannot {what}: {explain(error)}")
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def _entities(self) -> dict[Any, Callable[[Any], object]]:
        """Return everything that was created at this node, and how it is destroyed."""
        kinds: list[tuple[Any, Callable[[Any], object]]] = [
            (self.publishers, self.destroy_publisher),
            (self.subscriptions, self.destroy_subscription),
            (self.services, self.destroy_service),
            (self.clients, self.destroy_client),
            (self.timers, self.destroy_timer),
        ]
        return {entity: destroy for entities, destroy in kinds for entity in entities}
