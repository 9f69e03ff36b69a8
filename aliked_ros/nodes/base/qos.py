"""Quality of service of the topics."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

# Best effort hears reliable and best-effort cameras alike. The worker keeps the newest image only;
# the queue before it lets a process that was not scheduled for a moment count what it passes over.
IMAGE_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# Images that wait for their partner (features, depth, right image) to be paired by stamp.
PAIRED_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
# Images that somebody writes down wait while the writer is not scheduled or its disk is slow.
RECORD_IMAGE_QOS = QoSProfile(depth=30, reliability=ReliabilityPolicy.BEST_EFFORT)
# Something of which the newest message counts, at whatever rate it comes.
NEWEST_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Small messages of a fast sensor, which come while the executor is busy.
STREAM_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULT_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
# Results that somebody writes down: none may be lost.
RECORD_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
TRANSFORM_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
