"""Which files have mutants, and the tests that are to kill them."""

FILES = {
    "sklearn_pare/nn/losses.py": ["tests/nn/test_losses.py"],
    "sklearn_pare/nn/replace.py": ["tests/nn/test_replace.py"],
    "sklearn_pare/nn/schedule.py": ["tests/nn/test_schedule.py"],
    "sklearn_pare/_safetensors.py": [
        "tests/test_safetensors.py",
        "tests/_saving/test_file_objects.py",
    ],
    "sklearn_pare/_data/encoders.py": ["tests/_data/test_encoders.py"],
    "sklearn_pare/_data/validation.py": [
        "tests/_data/test_validation.py",
        "tests/_data/test_check_rows.py",
        "tests/_data/test_foreign.py",
    ],
    "sklearn_pare/training/checkpoint.py": [
        "tests/training/test_checkpoint.py",
        "tests/training/test_resume.py",
        "tests/training/test_resume_refused.py",
    ],
    "sklearn_pare/_saving/model_file.py": [
        "tests/_saving/test_model_file.py",
        "tests/_saving/test_save.py",
        "tests/_saving/test_omit_pretrained.py",
        "tests/_saving/test_file_objects.py",
    ],
}

# Parts of names of tests: processes of their own, fits that are cut off at every step,
# and where a warning points.
LEFT_OUT = [
    "no_room",
    "disk_full",
    "killed_at",
    "before_any_step",
    "other_process",
    "points_at_the_caller",
]
