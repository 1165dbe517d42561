"""Words too common to carry meaning in a listing, Chinese and English. Data only."""

CHINESE = frozenset(
    """
    一个 一些 一种 一定 一般 一样 一直 上述 下列 不同 不仅 不会 不是 不能 与其 为了 主要 之一 之间 也是
    了解 于是 什么 从而 他们 以上 以下 以及 以便 任何 但是 使用 使得 例如 依据 具备 具有 具体 其中 其他
    其它 及其 各个 各种 各类 同时 否则 因为 因此 因而 在于 基于 多个 多种 大量 她们 如下 如何 如果 它们
    实现 对于 将会 尤其 就是 尽管 已经 并且 并不 应当 应该 当前 得到 怎么 怎样 情况 我们 我国 或者 所以
    所有 所述 才能 按照 提供 提出 无法 是否 曾经 有关 本文 某些 根据 此外 每个 比如 没有 现有 现在 由于
    的话 目前 相关 相对 等等 经过 而且 而是 能够 自己 虽然 要求 解决 该项 许多 该类 起来 较为 较好 达到
    进行 还是 还有 这个 这些 这样 这种 进而 通过 那个 那些 那么 采用 针对 随着 需要 非常 项目 其余 来说
    可以 可能 请问 有没有 寻求 希望 只有 只要 不但 总之 综上所述
    的 了 和 与 及 或 是 在 有 为 对 将 被 把 从 到 由 以 于 等 并 而 且 其 之 这 那 该 此 也 都 就 还 又
    很 更 最 不 没 能 会 可 要 用 所 者 个 种 一 着 过 地 得 让 使 向 往 因 但 若 如 即 则 各 每 某 我 你
    他 她 它 们 吗 呢 吧 啊
    """.split()  # noqa: SIM905 -- a list a person can read
)

ENGLISH = frozenset(
    """
    a about above after again against all also am among an and any are as at be because been before being
    below between both but by can cannot could did do does doing down during each either etc few for from
    further had has have having he her here hers him his how however i if in into is it its itself just
    less may me might more most much must my nor no not of off on once only or other our ours out over own
    per same shall she should so some such than that the their theirs them then there therefore these they
    this those through thus to too under until up upon us use used using very via was we were what when
    where whether which while who whom whose why will with within without would you your yours
    """.split()  # noqa: SIM905 -- a list a person can read
)

STOP_WORDS = CHINESE | ENGLISH
