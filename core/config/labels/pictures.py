"""What is trained on and how pictures are varied: names, units and help of these settings."""

from core.config.labels.label import PERCENT, Label

LABELS: dict[str, Label] = {
    "dataset.id": Label("Data set", "The pictures to learn from, and their classes."),
    "dataset.num_train": Label(
        "Training pictures",
        "Training on fewer pictures is faster and overfits sooner. A smaller subset lies inside a larger one. Empty: "
        "all pictures.",
        empty="all",
    ),
    "dataset.image_size": Label(
        "Image size",
        "Resizes each picture to a square with this many pixels per side. Empty: the size as stored.",
        unit="pixels",
        empty="as stored",
    ),
    "dataset.label_noise": Label(
        "Label noise",
        "The share of training labels that is replaced by a wrong class, drawn by the seed. The network can only learn "
        "these by heart. The true labels are kept for measuring: the run's page shows how many wrong labels it has "
        "memorised. Validation labels stay correct.",
        unit=PERCENT,
    ),
    "augmentation.rotation_degrees": Label(
        "Rotation", "Rotates each picture by a random angle up to this many degrees.", unit="°"
    ),
    "augmentation.width_shift_fraction": Label(
        "Horizontal shift",
        "Shifts each picture left or right by up to this share of its width.",
        unit=PERCENT,
    ),
    "augmentation.height_shift_fraction": Label(
        "Vertical shift", "Shifts each picture up or down by up to this share of its height.", unit=PERCENT
    ),
    "augmentation.zoom_fraction": Label(
        "Zoom", "Enlarges or shrinks each picture by up to this share.", unit=PERCENT
    ),
    "augmentation.shear_degrees": Label(
        "Shear", "Slants each picture by a random angle up to this many degrees.", unit="°"
    ),
    "augmentation.horizontal_flip": Label(
        "Horizontal flip", "Mirrors each picture, left to right, with a probability of one half."
    ),
    "augmentation.vertical_flip": Label(
        "Vertical flip",
        "Turns each picture upside down with a probability of one half. For pictures without an up and a down, such "
        "as those taken from above.",
    ),
    "augmentation.brightness": Label(
        "Brightness", "Makes each picture lighter or darker by up to this share.", unit=PERCENT
    ),
    "augmentation.contrast": Label(
        "Contrast", "Moves values towards or away from the picture's mean by up to this share.", unit=PERCENT
    ),
    "augmentation.saturation": Label(
        "Saturation", "Makes colours paler or stronger by up to this share.", unit=PERCENT
    ),
    "augmentation.hue": Label(
        "Hue", "Rotates all colours by up to this share of the colour circle.", unit=PERCENT
    ),
    "augmentation.erasing_probability": Label(
        "Random erasing",
        "The share of pictures in which a box is painted over (Zhong et al., arXiv 1708.04896).",
        unit=PERCENT,
    ),
    "augmentation.noise_stddev": Label(
        "Pixel noise",
        "Adds Gaussian noise with this standard deviation, as a share of full scale.",
        unit=PERCENT,
    ),
    "augmentation.mixup_alpha": Label(
        "Mixup",
        "Blends two pictures and their labels (arXiv 1710.09412). Higher values give more even blends.",
    ),
    "augmentation.cutmix_alpha": Label(
        "CutMix",
        "Pastes a box from another picture and mixes the labels by area (arXiv 1905.04899). Higher values give more "
        "even mixtures.",
        is_proper=True,
    ),
    "augmentation.randaugment_operations": Label(
        "RandAugment operations",
        "The number of random operations applied to each picture (arXiv 1909.13719).",
        is_proper=True,
    ),
    "augmentation.randaugment_magnitude": Label(
        "RandAugment magnitude",
        "How strong each of these operations is, as a share of its own range.",
        unit=PERCENT,
        is_proper=True,
    ),
    "augmentation.fill_mode": Label(
        "Fill gaps with",
        "Rotating, shifting and shrinking leave gaps at the edge. This is what fills them.",
        choices={
            "nearest": "nearest pixel", "reflect": "mirror image", "wrap": "wrap around", "constant": "black",
        },
    ),
    "augmentation.unchanged_fraction": Label(
        "Unchanged pictures", "The share of pictures that is not varied at all.", unit=PERCENT
    ),
    "augmentation.alternating_flip": Label(
        "Alternating flip",
        "Mirrors each picture in every other epoch instead of at random (arXiv 2404.00498).",
    ),
}  # fmt: skip
