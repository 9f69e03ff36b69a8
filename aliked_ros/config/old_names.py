"""Parameters that were renamed or dropped, for those who still use their old names."""

# Old name of a parameter -> the name that it has now; empty: the parameter is gone.
OLD_NAMES = {
    "max_rate": "max_rate_hz",
    "target_rate": "target_rate_hz",
    "odometry.guided_radius": "odometry.guided_radius_of_width",
    "odometry.inverse_depth_noise": "odometry.inverse_depth_noise_per_m",
    "odometry.keyframe_displacement": "odometry.keyframe_displacement_of_width",
    "odometry.mono_keyframe_displacement": "odometry.keyframe_displacement_of_width",
    "odometry.mono_window_size": "odometry.window_size",
    "odometry.max_per_cell": "",
    "stereo.min_correlation": "",
    "stereo.max_row_offset_px": "",
    "stereo.min_margin": "",
}
