"""Studies in words: the kinds, which question each answers, and how its numbers are calculated. No `st.*`."""

from dataclasses import dataclass

from core.studies.spec import ABLATION, NOISE, QUESTIONS, SEEDS, TITLES, VOLUME


@dataclass(frozen=True)
class KindWords:
    """A kind of study: what it is called, its question, and Markdown on its formulas and their sources."""

    title: str
    icon: str
    question: str
    calculation: str


_SHARED = """
**What counts.** Only finished runs. The best validation accuracy is the highest of any epoch, so it is slightly
optimistic, for all runs alike. The gap is clean training minus validation accuracy, the median of the last three
epochs. Where classes are uneven, the balanced accuracy of the best epoch, the mean of the classes' accuracies, stands
beside it: headline and charts are about accuracy, a note about balanced accuracy
(Brodersen et al., [ICPR 2010](https://doi.org/10.1109/ICPR.2010.764)).
"""

_PAIRED = """
**Differences** are taken seed by seed: with the same seed, two runs start from the same weights in the layers that both
have, and see the pictures in the same order if both have as many. With $d_i$ the difference at seed $i$ and $s_d$ the
standard deviation of these differences, the interval is

$$\\bar d \\pm t_{0.975,\\,k-1} \\cdot s_d / \\sqrt{k}$$

which is the paired t-test (Student, [Biometrika 6, 1908](https://doi.org/10.1093/biomet/6.1.1)). Where it spans zero,
chance alone could explain the difference. An accuracy on $n$ pictures is a multiple of $1/n$, so two seeds can agree by
rounding alone: $s_d$ is at least that rounding, $1/(n\\sqrt 6)$ for two accuracies. Intervals end where values do, such
as at 0 and 100 %.
"""

_LIMITS = """
**What it cannot say.** All seeds share one training and one validation set; other pictures might reverse a small lead
(Dietterich, [Neural Computation 10, 1998](https://doi.org/10.1162/089976698300017197)). With two or three seeds
an interval is wide, as it should be.
"""

KINDS = {
    SEEDS: KindWords(
        TITLES[SEEDS],
        ":material/query_stats:",
        QUESTIONS[SEEDS],
        _SHARED
        + _PAIRED
        + """
**The band** around each curve is the t interval of the mean over the seeds, epoch by epoch, up to the last epoch
that all runs of that config have finished. **One config alone**: two single runs of it differ by chance by up to
$t_{0.975,\\,k-1} \\cdot s \\cdot \\sqrt{2}$, with $s$ the standard deviation between seeds.

**Seeds until decided.** A t interval holds at one look. Looked at after each of 20 seeds, it calls a quarter of equal
configs different. So a study that adds seeds has wider intervals: in 95 of 100 studies, all of them contain the true
difference, however long the study lasts. With $g = 4$ and $r = (400\\,(1 + g k))^{1/k}$, they are

$$\\bar d \\pm s_d \\cdot \\sqrt{\\frac{k - 1}{k} \\cdot \\frac{r - 1}{1 - r / (1 + g k)}}$$

from the fourth seed on (Lai, [Annals of Statistics 4, 1976](https://doi.org/10.1214/aos/1176343406); Wang and Ramdas,
[arXiv 2310.03722](https://arxiv.org/abs/2310.03722)). It is decided when the interval leaves out zero, or lies within
the smallest difference that matters. The number of seeds still needed is the median of simulated studies with the
spread so far. A config that fails in one of many runs is beyond what any such interval can know before it happens.
"""
        + _LIMITS,
    ),
    ABLATION: KindWords(
        TITLES[ABLATION],
        ":material/checklist:",
        QUESTIONS[ABLATION],
        _SHARED
        + """
**Left out**: that run minus the full augmentation; below zero, the part helped. **Alone**: that run minus none;
above zero, the part helps by itself. Parts can replace each other, so the two need not agree.

**One seed** says nothing about chance between runs. The lines then show ±1.96 standard errors of the pictures alone,
$\\sqrt{p(1-p)/(n+4)}$ for each accuracy on $n$ pictures, with two more right and two more wrong answers in $p$ (Agresti
and Coull, [The American Statistician 52, 1998](https://doi.org/10.1080/00031305.1998.10480550)), added in
quadrature. That both runs answer the same pictures makes this too wide; that it leaves out seeds makes it too narrow.
"""
        + _PAIRED
        + """
**Many comparisons.** Of twenty parts that do nothing, about one has a 95 % interval without zero by chance. A part
*stands out* only if its interval at level $1 - 0.05/m$ excludes zero, for $m$ comparisons: one per part, or two if
each part is both left out and used alone (Bonferroni; Dunn,
[JASA 56, 1961](https://doi.org/10.1080/01621459.1961.10482090)).
"""
        + _LIMITS,
    ),
    VOLUME: KindWords(
        TITLES[VOLUME],
        ":material/stairs:",
        QUESTIONS[VOLUME],
        _SHARED
        + """
**The line** is the least-squares fit of the best validation accuracy against $\\log_{10}$ of the number of training
pictures, through every run. Its slope is the gain from ten times the pictures; the interval is Student's t with two
degrees of freedom fewer than runs. $R^2$ is the share of the variance that the line explains: with five points on a
rising curve it is high even where the points bend, so look at the distances from the line too. Each subset contains all
smaller ones.

All sizes train for the same number of epochs, so small ones make fewer steps. The line cannot continue indefinitely:
accuracy stops at 100 %. Error often falls as a power of the data instead (Hestness et al., [arXiv 1712.00409](https://arxiv.org/abs/1712.00409)).
""",
    ),
    NOISE: KindWords(
        TITLES[NOISE],
        ":material/label_off:",
        QUESTIONS[NOISE],
        _SHARED
        + """
**Wrong labels** are only in the training set, spread evenly over the other classes; a larger share has different wrong
labels from a smaller one. Validation labels are correct.

**Clean training** is measured at the last epoch against the labels that were trained on, with dropout and augmentation
off. A network that learned only the true rule gets at most the dashed line, one minus the share of wrong labels. What
lies above it was learned by heart: at least $(a - (1 - f)) / f$ of the wrong labels, with $a$ the clean training
accuracy and $f$ the share of wrong labels (see Zhang et al.,
[arXiv 1611.03530](https://arxiv.org/abs/1611.03530)).
"""
        + _PAIRED,
    ),
}
