"""The clock of timers that must run, also with sim time and a silent /clock."""

from rclpy.clock import Clock, ClockType

STEADY = Clock(clock_type=ClockType.STEADY_TIME)
