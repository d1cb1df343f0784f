"""What the kinds of studies are called, and which question each answers."""

from core.studies.spec import ABLATION, NOISE, SEEDS, VOLUME

TITLES = {
    SEEDS: "Signal or noise?",
    ABLATION: "Augmentation ablation",
    VOLUME: "Data volume",
    NOISE: "Label noise",
}
QUESTIONS = {
    SEEDS: "Is one better than the other, or was it luck? Trains each with several seeds to see how far chance alone "
    "moves the result.",
    ABLATION: "Which part of the augmentation helps? Trains without each part, or with each part alone.",
    VOLUME: "How much would more pictures help? Trains on larger and larger subsets of the training set.",
    NOISE: "What do wrong labels do, and does the network learn them by heart? Trains with more and more wrong labels.",
}
