"""The frames of sentences that the words are put into. Data only.

Slots: {m} material, {p} process, {d} device, {q} property, {a} use, {k} method, {x} trouble, {c} claim, {t} make,
{s} discipline, {n} number, {u} unit.
"""

from __future__ import annotations

import string

Frame = tuple[tuple[str, str], ...]
"""Literal texts, each with the slot that follows it, or none."""


def _frames(*texts: str) -> tuple[Frame, ...]:
    return tuple(
        tuple((literal, slot or "") for literal, slot, _, _ in string.Formatter().parse(text)) for text in texts
    )


TITLES = (
    _frames(
        "面向{a}的{m}{p}技术", "{k}驱动的{d}关键技术及应用", "一种用于{a}的{d}", "{m}{p}工艺与{d}",
        "基于{k}的{q}提升方法",
        "{t}型{d}研制", "{a}用{c}{m}", "抑制{x}的{m}{p}成套技术", "{d}{q}在线监测系统", "{m}与{m}复合的{p}新方法",
    ),
    _frames(
        "{p} of {m} for {a}", "{d} based on {k}", "{m} with improved {q} for {a}", "Reducing {x} in {a} by {p}",
        "{t} {d} for {a}", "Online measurement of {q} in {p} of {m}", "{k} for the {q} of {d}",
    ),
)  # fmt: skip

OUTCOME_ZH = _frames(
    "本技术以{m}为原料，采用{p}与{p}相结合的路线，使{q}达到{n} {u}。",
    "针对{a}中{x}和{x}的难题，提出{k}方案，{q}提高{n}%。",
    "研制的{d}已在{a}连续运行{n}个月，{q}优于{n} {u}，{q}低于{n} {u}。",
    "核心部件为{t}系列{d}，配合{k}，现场不再出现{x}。",
    "与传统{p}相比，该技术{c}、{c}，单台{d}每年可节约{n}万元。",
    "通过{k}建立{m}的{q}模型，结合{s}方法给出工艺窗口。",
    "{m}经{p}后再做{p}，{q}由{n} {u}降至{n} {u}，批间稳定。",
    "项目团队长期从事{s}研究，掌握{m}、{m}的制备与表征技术。",
    "装置由{d}、{d}和控制软件组成，接口开放，{c}。",
    "在{a}完成中试，处理量{n} {u}，{x}问题得到解决，技术成熟。",
    "采用{t}作助剂，{p}温度降低{n} ℃，{q}保持不变。",
    "该成果可推广到{a}、{a}等场景，具备产业化条件。",
    "以{k}识别{x}，识别结果送入{d}闭环调节，技术指标达到{n} {u}。",
    "形成{m}{p}成套技术，申请专利{n}项，制定{s}领域标准一项。",
    "原有{d}多依赖进口，本成果实现{c}，售价仅为同类的{n}%。",
    "{m}的{q}受{p}影响明显，研究给出了{k}解释。",
    "在{a}示范线上，{x}发生次数由每月{n}次减少到{n}次。",
    "开发了{d}配套软件，内置{k}算法，操作员无需{s}背景。",
    "成套装备包括{d}和{d}，占地小，{c}，安装只需{n}天。",
    "对{t}和{m}作对比试验，前者{q}为{n} {u}，后者为{n} {u}。",
    "适合{a}等恶劣环境，{x}、{x}不影响使用。",
    "经第三方检测，{q}为{n} {u}，达到{s}行业先进水平。",
    "已与{a}领域{n}家单位签约，累计销售{d}{n}台。",
    "采用{k}预测{m}的{q}，相对误差不超过{n}%。",
    "{p}段引入{t}，避免{x}，产品{c}。",
    "可提供{p}工艺包、{d}图纸与人员培训。",
    "废{m}经{p}处理后返回{a}使用，实现循环。",
    "将{d}嵌入{p}设备，实时获得{q}曲线。",
    "以{m}替代{m}，重量减轻{n}%，{q}保持{n} {u}。",
    "突破了{m}在{p}中的{x}瓶颈，填补{s}方向空白。",
)
OUTCOME_EN = _frames(
    "The {m} is made by {p} followed by {p}, so that its {q} reaches {n} {u}. ",
    "In {a}, {x} and {x} are overcome by {k}; the {q} rises by {n} %. ",
    "The {d} has run for {n} months in {a} with a {q} better than {n} {u}. ",
    "Its core is a {t} {d}, which together with {k} prevents {x}. ",
    "Compared with usual {p} the technology is {c} and {c}. ",
    "A model of the {q} of {m} is built by {k} and methods of {s}. ",
    "After {p}, the {q} falls from {n} {u} to {n} {u} in every batch. ",
    "The team has long worked on {s} and masters {m} and {m}. ",
    "The unit consists of a {d}, a {d} and open control software. ",
    "A pilot in {a} treats {n} {u}; {x} is no longer seen. ",
    "With {t} as an additive the temperature of {p} drops by {n} degrees. ",
    "It can be carried over to {a} and {a}. ",
    "Users in {a} report that {x} fell from {n} to {n} cases a month. ",
    "An independent laboratory measured a {q} of {n} {u}. ",
    "Software with {k} comes with the {d}; nobody needs a background in {s}. ",
    "Replacing {m} by {m} saves {n} % of weight at a {q} of {n} {u}. ",
    "{k} predicts the {q} of {m} within {n} %. ",
    "Waste {m} is returned to {a} after {p}. ",
    "We offer the process package for {p}, drawings of the {d} and training. ",
    "It is {c}, stands on little floor space and is installed in {n} days. ",
    "A patent family protects the {p} of {m} with {t}. ",
    "Harsh sites such as {a} with {x} do not harm it. ",
)
DEMAND = _frames(
    "我公司在{a}中使用{m}，{p}后经常出现{x}，{q}只有{n} {u}，客户要求不低于{n} {u}。",
    "现有{d}由于{x}，每月停机{n}小时，人工处理成本高。",
    "曾试用{k}和{t}，换批次后{q}下降，{x}依旧。",
    "希望寻求{m}{p}的成熟技术，{q}达到{n} {u}，{c}、{c}。",
    "要求不改动现有{d}，可与{d}联机，半年内在{a}完成验证。",
    "希望合作方熟悉{s}，有{m}和{p}的工程经验。",
    "目前国内{m}的{q}离散大，{x}导致返工率达到{n}%。",
    "最好采用{k}，能在线给出{q}，误差小于{n} {u}。",
    "产线由{d}和{d}组成，日处理{n} {u}，{x}是主要瓶颈。",
    "已排查{m}来料，怀疑{p}环节引起{x}。",
    "预算内可接受{k}改造或更换{t}。",
    "最终用于{a}，产品须{c}并通过{s}检验。",
)
