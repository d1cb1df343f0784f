"""How weights are changed, how long and in which portions: names, units and help of these settings."""

from core.config.labels.label import Label

LABELS: dict[str, Label] = {
    "optimizer.name": Label(
        "Optimizer",
        "How each step is computed from the gradients. Adam adapts the length of the step for each weight; SGD uses "
        "the learning rate as it is and needs a higher one.",
        choices={
            "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "lion": "Lion", "muon": "Muon",
        },
    ),
    "optimizer.learning_rate": Label(
        "Learning rate",
        "The size of each step. If it is too high, the loss jumps; if it is too low, the loss hardly falls.",
    ),
    "optimizer.schedule": Label(
        "Learning-rate schedule",
        "How the learning rate changes during training. Most schedules lower it towards the end: large steps find a "
        "good region, small steps its lowest point.",
        choices={
            "constant": "constant",
            "cosine": "cosine: falls smoothly",
            "one_cycle": "one cycle: rises, then falls smoothly",
            "step": "step: falls at fixed intervals",
            "plateau": "plateau: falls when validation stalls",
            "triangular": "triangular: rises, then falls in straight lines",
        },
    ),
    "optimizer.warmup_epochs": Label(
        "Warm-up epochs",
        "Number of epochs over which the learning rate rises from 0. Early gradients are the least reliable.",
    ),
    "optimizer.step_epochs": Label(
        "Epochs per step", "The learning rate is multiplied by the factor each time this many epochs have passed."
    ),
    "optimizer.step_factor": Label(
        "Learning-rate factor", "What the learning rate is multiplied by at each step: 0.5 halves it."
    ),
    "optimizer.plateau_patience": Label(
        "Plateau patience",
        "When the validation loss has not fallen for this many epochs, the learning rate is multiplied by the factor.",
        unit="epochs",
    ),
    "optimizer.momentum": Label(
        "Momentum",
        "How much of the previous step is added to the next. 0.9 keeps nine tenths, which smooths the descent.",
    ),
    "optimizer.nesterov": Label(
        "Nesterov momentum",
        "Measures the gradient where momentum is about to lead instead of where the weights are now.",
        is_proper=True,
    ),
    "optimizer.weight_decay": Label("Weight decay", "Pulls the weights towards 0 at each step."),
    "optimizer.label_smoothing": Label(
        "Label smoothing", "Trains the network to be a little less than certain of each label."
    ),
    "optimizer.gradient_clip_norm": Label(
        "Gradient clipping", "Scales a batch's gradients down to at most this length. Empty: no limit.", empty="off"
    ),
    "optimizer.weight_averaging": Label(
        "Weight averaging",
        "Evaluates and saves a moving average of the weights; 0.999 spans some 1,000 steps. Empty: off.",
        empty="off",
    ),
    "optimizer.muon_convolutions": Label(
        "Muon for convolutions", "Trains them by Muon too, all but the first; off: by AdamW.", is_proper=True
    ),
    "training.batch_size": Label("Batch size", "The number of pictures that each step learns from."),
    "training.epochs": Label("Epochs", "How often the network goes through the training pictures."),
    "training.steps_per_epoch_multiple": Label(
        "Epoch length",
        "1 shows each picture once per epoch. Other values draw this many times the data set, with replacement.",
        unit="× the data set",
    ),
    "training.early_stopping_patience": Label(
        "Early stopping patience",
        "Ends the run when the validation loss has not fallen for this many epochs. Empty: off.",
        unit="epochs",
        empty="off",
    ),
    "training.precision": Label(
        "Precision",
        "The number format of the calculations. Half precision is faster on most GPUs only.",
        choices={
            "float32": "float32", "mixed_float16": "mixed float16", "mixed_bfloat16": "mixed bfloat16",
        },
    ),
    "training.num_gpus": Label(
        "GPUs", "With more than 1, each GPU gets an equal share of every batch.", is_proper=True
    ),
    "training.deterministic": Label("Repeatable", "The same seed gives the same curve on this machine."),
    "training.test_time_flip": Label(
        "Test-time flip",
        "Evaluates each picture together with its mirror image and averages the two answers: often slightly more "
        "accurate, at twice the work. Training itself does not change.",
    ),
    "training.precise_batch_norm": Label(
        "Precise batch normalisation",
        "Before each validation and save, measures the statistics of batch normalisation again, over up to 1,000 "
        "training pictures. Running averages lag behind, above all with few steps per epoch (arXiv 2105.07576). "
        "Training itself does not change.",
    ),
    "training.keep_epoch_weights": Label(
        "Keep the weights of every epoch",
        "Lets you go back over the epochs on Inspect: what the network answered, and what it looked at, after each of "
        "them. Training itself does not change.",
    ),
    "seed": Label("Seed", "Change this to start from different random weights."),
}  # fmt: skip
