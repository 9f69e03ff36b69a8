"""Quality of service of the topics."""

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

# Best effort hears reliable and best-effort cameras alike. The worker keeps the newest image only;
# the queue before it lets a process that was not scheduled for a moment count what it passes over.
IMAGE_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# Images that wait for their partner (features, depth, right image) to be paired by stamp.
PAIRED_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
RESULT_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
