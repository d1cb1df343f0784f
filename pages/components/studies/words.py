"""Studies in words: the kinds, which question each answers, and how its numbers are reckoned. No `st.*`."""

from dataclasses import dataclass

from core.studies.spec import ABLATION, NOISE, SEEDS, VOLUME


@dataclass(frozen=True)
class KindWords:
    """A kind of study: what it is called, its question, and Markdown on its formulas and their sources."""

    title: str
    icon: str
    question: str
    reckoning: str


_SHARED = """
**What is counted.** Only runs that got to their end. The best validation accuracy is the highest of any epoch, so it is
a little flattering, for all alike. The gap is clean training minus validation accuracy at the last epoch.
"""

_PAIRED = """
**Differences** are taken seed by seed: with the same seed two runs begin with the same weights, in the layers that both
have, and see the pictures in the same order. With $d_i$ the difference at seed $i$ and $s_d$ their standard
deviation, the interval is

$$\\bar d \\pm t_{0.975,\\,k-1} \\cdot s_d / \\sqrt{k}$$

which is the paired t-test (Student, [Biometrika 6, 1908](https://doi.org/10.1093/biomet/6.1.1)). Where it spans zero,
chance alone could explain the difference.
"""

_LIMITS = """
**What it cannot say.** All seeds share one training and one validation set; other pictures might turn a small lead
round (Dietterich, [Neural Computation 10, 1998](https://doi.org/10.1162/089976698300017197)). With two or three seeds
an interval is wide, and honestly so.
"""

KINDS = {
    SEEDS: KindWords(
        "Signal or noise?",
        ":material/query_stats:",
        "Is one better than the other, or was it luck? The same with several seeds: what chance alone moves.",
        _SHARED
        + _PAIRED
        + """
**The band** around each curve is the t interval of the mean over the seeds, epoch by epoch, as far as all runs of that
config have come. **One config alone**: two single runs of it differ by chance by up to
$t_{0.975,\\,k-1} \\cdot s \\cdot \\sqrt{2}$, with $s$ the standard deviation between seeds.
"""
        + _LIMITS,
    ),
    ABLATION: KindWords(
        "Augmentation ablation",
        ":material/checklist:",
        "Which part of the augmentation does the work? Each part left out, or each alone.",
        _SHARED
        + """
**Left out**: that run minus the full augmentation; below zero, the part helped. **Alone**: that run minus none;
above zero, the part helps by itself. Parts can make up for each other, so the two need not agree.

**One seed** says nothing of chance between runs. The lines then show ±1.96 standard errors of the pictures alone,
$\\sqrt{p(1-p)/n}$ for each accuracy $p$ on $n$ pictures, added as squares. Both runs answer the same pictures, which
makes this too wide; seeds, which it leaves out, make it too narrow.
"""
        + _PAIRED
        + """
**Many comparisons.** Of twenty parts that do nothing, one leaves out zero by chance. A part *stands out* only if it
does so at $1 - 0.05/m$ for $m$ comparisons: one a part, or two if each is left out and had alone (Bonferroni; Dunn,
[JASA 56, 1961](https://doi.org/10.1080/01621459.1961.10482090)).
"""
        + _LIMITS,
    ),
    VOLUME: KindWords(
        "Data volume",
        ":material/stairs:",
        "What would more pictures bring? Ever larger parts of the training set, each inside the next.",
        _SHARED
        + """
**The line** is least squares of the best validation accuracy on $\\log_{10}$ of the number of training pictures,
through every run. Its slope is what ten times the pictures bring; the interval is Student's t with two degrees of
freedom
fewer than runs. $R^2$ is the part of the differences that the line explains: with five points on a rising curve it is
high even where the points bend, so look at what is left over.

All sizes train for as many epochs, so a small one makes fewer steps. A line cannot hold for ever: accuracy ends at
100 %. Error often falls by a power of the data instead (Hestness et al., [arXiv 1712.00409](https://arxiv.org/abs/1712.00409)).
""",
    ),
    NOISE: KindWords(
        "Label noise",
        ":material/label_off:",
        "What do wrong labels do, and does the network learn them by heart? Ever more training labels made wrong.",
        _SHARED
        + """
**Wrong labels** are in the training set alone, spread evenly over the other classes; a larger share holds other wrong
labels than a smaller one. Validation labels are right.

**Clean training** is measured at the last epoch against the labels that were trained on, with dropout and augmentation
off. Whoever learned only the true rule gets at most the dashed line, one minus the share of wrong labels. What lies
above it is known by heart: $(a - (1 - f)) / f$ of the wrong labels at least (see Zhang et al.,
[arXiv 1611.03530](https://arxiv.org/abs/1611.03530)).
"""
        + _PAIRED,
    ),
}
