"""Quantities: units as people spell them, and the figures that running text states."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market.matching.quantities import Quantity, convert, parse, unit, written
from market.matching.quantities.units import names
from tests.pace import within

KINDS = (
    ("Pa", "kPa", "MPa", "GPa", "bar", "psi", "kgf/cm²", "兆帕", "千帕", "mmHg"),
    ("K", "°C", "℉", "摄氏度"),
    ("nm", "μm", "um", "微米", "mm", "cm", "m", "km", "毫米", "inch"),
    ("g", "kg", "t", "吨", "毫克", "公斤", "lb", "万吨"),
    ("s", "min", "h", "小时", "天", "年", "ms", "分钟", "个月"),
    ("m³/h", "L/min", "立方米/小时", "mL/s"),
    ("J", "kJ", "kWh", "kcal", "千瓦时", "eV"),
    ("W", "kW", "兆瓦", "hp"),
    ("%", "‰", "ppm", "ppb"),
    ("mg/L", "g/L", "g/cm3", "kg·m-3", "毫克/升"),
    ("吨/年", "t/a", "万吨/年", "kg/h"),
    ("次", "cycles", "万次"),
    ("台", "套", "个", "万台"),
    ("rpm", "r/min", "转/分"),
)

UNITS = tuple(name for kind in KINDS for name in kind)
PAIRS = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.sampled_from(kind), st.sampled_from(kind)))
VALUES = st.floats(-1e9, 1e9)


def converted(value: float, given_unit: str, wanted: str, *, difference: bool = False) -> float | None:
    source, target = unit(given_unit), unit(wanted)
    assert source is not None, given_unit
    assert target is not None, wanted
    return convert(value, source, target, difference=difference)


@pytest.mark.parametrize(
    ("value", "spelled", "expected", "wanted"),
    [
        (200, "MPa", 0.2, "GPa"),
        (1, "bar", 100, "kPa"),
        (1, "兆帕", 1e6, "帕"),
        (100, "psi", 0.6894757, "MPa"),
        (10, "kgf/cm²", 0.980665, "MPa"),
        (1, "atm", 760, "Torr"),
        (25, "℃", 298.15, "K"),
        (212, "℉", 100, "°C"),
        (-40, "°F", -40, "摄氏度"),
        (5, "微米", 5000, "nm"),
        (1, "英寸", 25.4, "mm"),
        (1.5, "吨", 1500, "kg"),
        (3, "万吨", 30_000, "吨"),
        (250, "毫克", 0.25, "g"),
        (2, "小时", 120, "min"),
        (1, "年", 365.25, "天"),
        (60, "L/min", 3.6, "m³/h"),
        (1, "kWh", 3600, "kJ"),
        (1, "kcal", 4184, "J"),
        (300, "Wh/kg", 1.08, "MJ/kg"),
        (1, "马力", 745.7, "W"),
        (1, "%", 10_000, "ppm"),
        (5, "‰", 0.5, "%"),
        (500, "ppb", 0.5, "ppm"),
        (5, "mg/kg", 5, "ppm"),
        (1, "g/cm3", 1000, "kg/m³"),
        (2, "g/L", 2000, "mg/L"),
        (36, "km/h", 10, "m/s"),
        (1, "kN·m", 1000, "Nm"),
        (3, "W/(cm·K)", 300, "W·m⁻¹·K⁻¹"),
        (5, "W/m·K", 5, "W/(m·℃)"),
        (1, "万吨/年", 10_000, "t/a"),
        (5, "万次", 50_000, "cycles"),
        (3000, "rpm", 50, "r/s"),
        (160, "mAh g-1", 160, "Ah/kg"),
        (1, "Pa·s", 1000, "cP"),
        (1, "kΩ", 1000, "欧姆"),
        (1, "GB", 8000, "Mbit"),
        (12, "×10^-6/K", 1.2e-5, "1/K"),
    ],
)
def test_a_value_is_the_same_in_another_unit(value: float, spelled: str, expected: float, wanted: str) -> None:
    assert converted(value, spelled, wanted) == pytest.approx(expected, rel=1e-4)
    assert converted(expected, wanted, spelled) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("μm", "µm"),
        ("Ω", "Ω"),
        ("ＭＰａ", "MPa"),
        ("Mpa", "MPa"),
        ("KW", "kW"),
        ("KWH", "kWh"),
        ("m²", "m^2"),
        ("㎡", "平方米"),
        ("㎏", "kg"),
        ("mg / L", "mg/L"),
        ("mPa.s", "mPa·s"),
        ("W/(m*K)", "W·m-1·K-1"),
        ("攝氏度", "℃"),
        ("兆赫", "MHz"),
        ("tonnes per year", "t/a"),
        ("吨每年", "t/a"),
    ],
)
def test_a_unit_may_be_spelled_in_many_ways(one: str, other: str) -> None:
    assert unit(one) is not None
    assert unit(one) == unit(other)


def test_megapascals_are_no_millipascals() -> None:
    assert converted(1, "MPa", "mPa") == pytest.approx(1e9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MPa", "mm"),
        ("dB", "dBm"),
        ("次", "台"),
        ("%", "vol%"),
        ("rpm", "Hz"),
        ("HRC", "HV"),
        ("kg", "kg/m³"),
        ("V", "A"),
    ],
)
def test_units_of_two_kinds_do_not_convert(one: str, other: str) -> None:
    assert converted(1, one, other) is None


@pytest.mark.parametrize(
    "spelled",
    ["", " ", "元", "foo", "C", "G", "MPa/", "/", "(", "m" * 10_000, "m/(m/(m/(m", "^2", "2", "9**9**9", "m^99"],
)
def test_what_is_no_known_unit_is_none(spelled: str) -> None:
    assert unit(spelled) is None


def test_a_difference_of_temperatures_has_no_zero_point() -> None:
    assert converted(5, "℃", "K", difference=True) == 5
    assert converted(9, "℉", "K", difference=True) == pytest.approx(5)
    assert converted(18, "°F/min", "K/min") == pytest.approx(10)


def test_no_unit_has_a_name_that_spelled_otherwise_would_be_another() -> None:
    assert {name for name, one in names().items() if unit(name) != one} == set()


@given(PAIRS, VALUES)
def test_converted_there_and_back_a_value_is_the_same(pair: tuple[str, str], value: float) -> None:
    there = converted(value, *pair)
    assert there is not None
    # A temperature passes its zero point, beside which a small value is rounded away.
    assert converted(there, *reversed(pair)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(PAIRS, VALUES, VALUES)
def test_what_is_more_in_one_unit_is_no_less_in_another(pair: tuple[str, str], one: float, other: float) -> None:
    low, high = (converted(value, *pair) for value in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low <= high


# text, name, direction, value, value_to, unit
READINGS: tuple[tuple[str, str, str, float, float | None, str], ...] = (
    ("≥200 MPa", "", "at_least", 200, None, "MPa"),
    ("抗拉强度≥200 MPa", "抗拉强度", "at_least", 200, None, "MPa"),
    ("抗拉强度 >= 200MPa", "抗拉强度", "at_least", 200, None, "MPa"),
    ("抗拉强度＞２００ＭＰａ", "抗拉强度", "at_least", 200, None, "MPa"),
    ("tensile strength of at least 200 MPa", "tensile strength", "at_least", 200, None, "MPa"),
    ("Tensile strength: ≥ 200 MPa", "Tensile strength", "at_least", 200, None, "MPa"),
    ("产品纯度不低于95%", "产品纯度", "at_least", 95, None, "%"),
    ("纯度达到 95% 以上", "纯度", "at_least", 95, None, "%"),
    ("纯度须在99.9%及以上", "纯度", "at_least", 99.9, None, "%"),
    ("回收率不得低于 90 %", "回收率", "at_least", 90, None, "%"),
    ("去除率大于等于98％", "去除率", "at_least", 98, None, "%"),
    ("去除率大于或等于98%", "去除率", "at_least", 98, None, "%"),
    ("循环寿命≥5万次", "循环寿命", "at_least", 50_000, None, "次"),
    ("循环寿命超过2000次", "循环寿命", "at_least", 2000, None, "次"),
    ("年产能达到10万吨/年以上", "年产能", "at_least", 100_000, None, "吨/年"),
    ("性能稳定时间至少1.5×10³ h", "性能稳定时间", "at_least", 1500, None, "h"),
    ("耐盐雾时间不少于3,000小时", "耐盐雾时间", "at_least", 3000, None, "小时"),
    ("热导率大于5 W·m-1·K-1", "热导率", "at_least", 5, None, "W·m-1·K-1"),
    ("热导率≥ 5 W/(m·K)", "热导率", "at_least", 5, None, "W/(m·K)"),
    ("比容量160 mAh g-1以上", "比容量", "at_least", 160, None, "mAh g-1"),
    ("能量密度高于300Wh/kg", "能量密度", "at_least", 300, None, "Wh/kg"),
    ("要求涂层的附着力（划格法）应达到不低于 5 MPa", "附着力", "at_least", 5, None, "MPa"),
    ("信噪比不小于60dB", "信噪比", "at_least", 60, None, "dB"),
    ("硬度不低于60 HRC", "硬度", "at_least", 60, None, "HRC"),
    ("抗拉强度和屈服强度不小于 300 兆帕", "屈服强度", "at_least", 300, None, "兆帕"),
    ("饱和度不小于30%", "饱和度", "at_least", 30, None, "%"),
    ("28d抗压强度≥50MPa", "抗压强度", "at_least", 50, None, "MPa"),
    ("可连续工作100余小时", "可连续工作", "at_least", 100, None, "小时"),
    ("服务用户10万人以上", "服务用户", "at_least", 100_000, None, "人"),
    ("菌落数≥10⁸ CFU/mL", "菌落数", "at_least", 1e8, None, "CFU/mL"),
    ("at least 5 kg", "", "at_least", 5, None, "kg"),
    ("payload of no less than 5kg", "payload", "at_least", 5, None, "kg"),
    ("endures 100+ cycles", "endures", "at_least", 100, None, "cycles"),
    ("cycle life exceeding 10 million cycles", "cycle life", "at_least", 1e7, None, "cycles"),
    ("a purity above 99.9%", "purity", "at_least", 99.9, None, "%"),
    ("an efficiency of 95% or more", "efficiency", "at_least", 95, None, "%"),
    ("The coating has a hardness of not less than 60 HRC", "hardness", "at_least", 60, None, "HRC"),
    ("throughput must be greater than or equal to 20 m³/h", "throughput", "at_least", 20, None, "m^3/h"),
    ("service life: minimum 20 years", "service life", "at_least", 20, None, "years"),
    ("Range over 1,200 km", "Range", "at_least", 1200, None, "km"),
    ("厚度不超过3 μm", "厚度", "at_most", 3, None, "μm"),
    ("厚度不超过3 µm", "厚度", "at_most", 3, None, "μm"),
    ("厚度＜3微米", "厚度", "at_most", 3, None, "微米"),
    ("响应时间小于 10ms", "响应时间", "at_most", 10, None, "ms"),
    ("功耗不大于3 W", "功耗", "at_most", 3, None, "W"),
    ("噪声≤60dB(A)", "噪声", "at_most", 60, None, "dB(A)"),
    ("噪声≦60分贝", "噪声", "at_most", 60, None, "分贝"),
    ("交付周期3年以内", "交付周期", "at_most", 3, None, "年"),
    ("交付周期6个月内", "交付周期", "at_most", 6, None, "个月"),
    ("残余应力低于50兆帕", "残余应力", "at_most", 50, None, "兆帕"),
    ("加工精度：≤0.01mm", "加工精度", "at_most", 0.01, None, "mm"),
    ("控温精度±0.5℃", "控温精度", "at_most", 0.5, None, "°C"),
    ("定位误差 ± 0.02 mm", "定位误差", "at_most", 0.02, None, "mm"),
    ("线膨胀系数≤12×10^-6/K", "线膨胀系数", "at_most", 12e-6, None, "/K"),
    ("PM2.5≤35 μg/m3", "PM2.5", "at_most", 35, None, "μg/m3"),
    ("含水率不得高于0.5‰", "含水率", "at_most", 0.5, None, "‰"),
    ("能耗不能超过 1.2 kWh/kg", "能耗", "at_most", 1.2, None, "kWh/kg"),
    ("重金属含量小于等于 5 ppm", "重金属含量", "at_most", 5, None, "ppm"),
    ("腐蚀速率控制在0.1毫米/年以下", "腐蚀速率", "at_most", 0.1, None, "毫米/年"),
    ("渗漏率≤1e-9 Pa·m3/s", "渗漏率", "at_most", 1e-9, None, "Pa·m3/s"),
    ("up to 300 °C", "", "at_most", 300, None, "°C"),
    ("operating temperature up to 300 °C", "operating temperature", "at_most", 300, None, "°C"),
    ("a thickness below 20 μm", "thickness", "at_most", 20, None, "μm"),
    ("noise not more than 60 dB", "noise", "at_most", 60, None, "dB"),
    ("Power consumption must not exceed 1.5kW", "Power consumption", "at_most", 1.5, None, "kW"),
    ("response time within 5 ms", "response time", "at_most", 5, None, "ms"),
    ("weight of 20 kg or less", "weight", "at_most", 20, None, "kg"),
    ("wear rate < 0.5 mg/h", "wear rate", "at_most", 0.5, None, "mg/h"),
    ("Rm ≤ 300 MPa", "Rm", "at_most", 300, None, "MPa"),
    ("D50≤10 μm", "D50", "at_most", 10, None, "μm"),
    ("coefficient of friction ≤0.1", "coefficient of friction", "at_most", 0.1, None, ""),
    ("粒径10-20 μm", "粒径", "between", 10, 20, "μm"),
    ("粒径10～20μm", "粒径", "between", 10, 20, "μm"),
    ("粒径为10μm至20μm", "粒径", "between", 10, 20, "μm"),
    ("10 至 20", "", "between", 10, 20, ""),
    ("孔径 500 nm-1 μm", "孔径", "between", 0.5, 1, "μm"),
    ("工作温度-40~85℃", "工作温度", "between", -40, 85, "°C"),
    ("温度在 10 和 20 ℃ 之间", "温度", "between", 10, 20, "°C"),
    ("湿度介于30%与60%", "湿度", "between", 30, 60, "%"),
    ("产能5-10万吨/年", "产能", "between", 50_000, 100_000, "吨/年"),
    ("转化率90%—95%", "转化率", "between", 90, 95, "%"),
    ("长度 50±0.5 mm", "长度", "between", 49.5, 50.5, "mm"),
    ("长度 50 mm ± 1%", "长度", "between", 49.5, 50.5, "mm"),
    ("between 10 and 20 mm", "", "between", 10, 20, "mm"),
    ("a wall thickness between 10 and 20 mm", "wall thickness", "between", 10, 20, "mm"),
    ("working temperature from -20 to 60 °C", "working temperature", "between", -20, 60, "°C"),
    ("delivery in 3–5 years", "delivery", "between", 3, 5, "years"),
    ("约 50 kg", "", "exactly", 50, None, "kg"),
    ("重量约50公斤", "重量", "exactly", 50, None, "公斤"),
    ("额定功率：1.5千瓦", "额定功率", "exactly", 1.5, None, "千瓦"),
    ("额定电压=380V", "额定电压", "exactly", 380, None, "V"),
    ("质量5千克", "质量", "exactly", 5, None, "千克"),
    ("1,000 h", "", "exactly", 1000, None, "h"),
    ("a mass of approximately 12 t", "mass", "exactly", 12, None, "t"),
    ("保存温度为-20℃", "保存温度", "exactly", -20, None, "°C"),
)


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading[0])
def test_a_quantity_is_read_from_its_text(reading: tuple[str, str, str, float, float | None, str]) -> None:
    text, name, direction, value, value_to, spelled = reading
    *_, last = parse(text)
    assert (last.name, last.direction, last.unit) == (name, direction, spelled)
    assert last.value == pytest.approx(value)
    assert last.value_to == (None if value_to is None else pytest.approx(value_to))


@pytest.mark.parametrize(
    "text",
    [
        "", "没有数字", "no figures", "2024年", "2024年5月1日立项", "2020-2024年", "2020年至2025年",
        "2024-05-01", "2024/05/01", "13800138000", "010-62770000", "192.168.1.1", "10:30", "1/3", "10-20",
        "GB/T 13745", "PM2.5", "5G", "Li-6", "CR2032", "v2.0.1", "IEEE 802.11", "ISO 9001", "Ti-6Al-4V", "3D打印",
        "第3年", "第 3 章", "3 项", "Fig. 5", "10×20 mm", "上世纪90年代", "5升级", "3 目标",
        "经费50万元", "不超过50万元", "$50", "100 USD",
    ],
)  # fmt: skip
def test_dates_numbers_of_things_and_prices_are_no_quantities(text: str) -> None:
    assert parse(text) == []


def test_each_quantity_of_a_sentence_is_read_with_its_own_name() -> None:
    found = parse("抗拉强度≥200 MPa，粒径10-20 μm，纯度达到99.9%以上；响应时间小于5 ms。")
    assert [quantity.name for quantity in found] == ["抗拉强度", "粒径", "纯度", "响应时间"]
    assert [quantity.unit for quantity in found] == ["MPa", "μm", "%", "ms"]


def test_a_bound_may_stand_behind_its_figure() -> None:
    low, high = parse("200 MPa ≤ Rm ≤ 300 MPa")
    assert (low.direction, low.value) == ("at_least", 200)
    assert (high.name, high.direction, high.value) == ("Rm", "at_most", 300)


def test_a_figure_without_a_bound_says_so() -> None:
    assert [quantity.bounded for quantity in parse("重量约50公斤，高度=2 m，宽度≥1 m")] == [False, True, True]


ENDS = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-12)
QUANTITIES = st.builds(
    lambda name, direction, ends, spelled: Quantity(
        name, direction, min(ends), max(ends) if direction == "between" else None, spelled, bounded=True
    ),
    st.sampled_from(("抗拉强度", "热导率", "使用寿命", "粒径", "D50")),
    st.sampled_from(("at_least", "at_most", "between", "exactly")),
    st.tuples(ENDS, ENDS),
    st.sampled_from(("MPa", "%", "μm", "W/(m·K)", "次", "°C", "吨/年", "小时", "mg/L", "rpm")),
)


@given(QUANTITIES)
def test_a_quantity_written_in_chinese_is_read_again(quantity: Quantity) -> None:
    assert parse(written(quantity, "zh")) == [quantity]


@given(QUANTITIES, st.sampled_from(("tensile strength", "Service life", "coefficient of friction", "Rm")))
def test_a_quantity_written_in_english_is_read_again(quantity: Quantity, name: str) -> None:
    named = Quantity(
        name, quantity.direction, quantity.value, quantity.value_to, quantity.unit, bounded=quantity.bounded
    )
    assert parse(written(named, "en")) == [named]


SIGNS = "0123456789.,-+~～–≥≤<>=±×^%‰°℃/·*()（）μmkgMPaWhKe 万千亿年次个至到和以上内约不低于大于andtorest\n\t¥²³⁻٣½"


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    parse(text)
    unit(text)


@pytest.mark.parametrize(
    "text", ["mınımum 5 kg", "ＭİＮ. 5 kg", "ſome 5 kg", "٣ kg", "5½ kg", "① 5 kg", "\ud800 5 kg", "\x00≥5 kg"]
)
def test_no_letter_of_another_alphabet_breaks_the_reader(text: str) -> None:
    assert [quantity.value for quantity in parse(text) if quantity.unit] in ([5], [])


@given(st.text(SIGNS, max_size=60))
def test_no_text_of_figures_and_signs_breaks_the_reader(text: str) -> None:
    for quantity in parse(text):
        assert quantity.value == quantity.value
        assert quantity.value_to is None or quantity.value <= quantity.value_to
    unit(text)


@given(st.text(SIGNS, max_size=30), st.sampled_from(READINGS))
def test_what_stands_on_lines_before_changes_no_reading(
    before: str, reading: tuple[str, str, str, float, float, str]
) -> None:
    assume(reading[1])
    *_, last = parse(f"{before}\n。\n{reading[0]}")
    assert (last.name, last.direction, last.unit) == (reading[1], reading[2], reading[5])


@pytest.mark.parametrize(
    "piece",
    ["1", "-", "≥", "1,111", ",111", "1.1", "1-", "5±", "1 m·", " m·m", "1 m/(", "1万", "万", "1 ", "not more than ",
     "10^", "1×10", "５㎏～", "高", "a ", "²", "不", "(", ")", "≥-1,", "1e9", "~1", "5 kg "],
)  # fmt: skip
def test_a_hostile_text_takes_no_more_than_linear_time(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    for case in (text, f"5{text}", f"{text}5 kg"):
        with within(2):  # a quadratic reader needs minutes
            parse(case)


def test_no_figure_is_too_long_to_be_passed_over() -> None:
    assert parse("≥" + "9" * 20_000 + " MPa，寿命≥5 h")[-1].value == 5
    assert parse("≥9e99 MPa")[0].value == 9e99
