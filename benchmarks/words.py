"""The trade's words, in Chinese and English, from which listings are made up. Data only."""

from __future__ import annotations

Word = tuple[str, str]
"""The same in Chinese and in English."""


def _pairs(text: str) -> tuple[Word, ...]:
    """`钛合金=titanium alloy; ...` as pairs."""
    pairs = (entry.strip().partition("=") for entry in text.replace("\n", " ").split(";"))
    return tuple((zh.strip(), en.strip()) for zh, _, en in pairs if zh.strip())


MATERIALS = _pairs("""
钛合金=titanium alloy; 铝合金=aluminium alloy; 镁合金=magnesium alloy; 高温合金=superalloy;
不锈钢=stainless steel; 形状记忆合金=shape memory alloy; 高熵合金=high-entropy alloy;
非晶合金=amorphous alloy; 硬质合金=cemented carbide; 碳纤维=carbon fibre; 玻璃纤维=glass fibre;
玄武岩纤维=basalt fibre; 芳纶=aramid; 超高分子量聚乙烯=ultra-high polyethylene; 聚酰亚胺=polyimide;
聚醚醚酮=polyetheretherketone; 聚乳酸=polylactic acid; 聚氨酯=polyurethane; 环氧树脂=epoxy resin;
酚醛树脂=phenolic resin; 有机硅=silicone; 氟橡胶=fluororubber; 丁腈橡胶=nitrile rubber; 水凝胶=hydrogel;
气凝胶=aerogel; 石墨烯=graphene; 碳纳米管=carbon nanotube; 硅碳负极=silicon-carbon anode;
磷酸铁锂=lithium iron phosphate; 三元正极=ternary cathode; 固态电解质=solid electrolyte;
钠离子材料=sodium-ion material; 钙钛矿=perovskite; 氮化镓=gallium nitride; 碳化硅=silicon carbide;
氧化锌=zinc oxide; 氧化锆=zirconia; 氧化铝=alumina; 氮化硅=silicon nitride; 压电陶瓷=piezoelectric ceramic;
铁氧体=ferrite; 钕铁硼=neodymium magnet; 软磁粉芯=soft magnetic core; 液态金属=liquid metal;
银浆=silver paste; 铜箔=copper foil; 靶材=sputtering target; 光刻胶=photoresist; 抛光液=polishing slurry;
封装基板=package substrate; 分子筛=molecular sieve; 活性炭=activated carbon;
金属有机框架=metal-organic framework; 离子交换树脂=ion exchange resin; 反渗透膜=reverse osmosis membrane;
质子交换膜=proton exchange membrane; 陶瓷膜=ceramic membrane; 催化剂=catalyst; 贵金属=precious metal;
稀土=rare earth; 赤泥=red mud; 粉煤灰=fly ash; 钢渣=steel slag; 磷石膏=phosphogypsum;
脱硫灰=desulphurisation ash; 再生骨料=recycled aggregate; 超高性能混凝土=ultra-high-performance concrete;
沥青=asphalt; 土工布=geotextile; 保温板=insulation board; 木质素=lignin; 纤维素=cellulose; 壳聚糖=chitosan;
胶原蛋白=collagen; 透明质酸=hyaluronic acid; 明胶=gelatin; 淀粉=starch; 多肽=peptide;
单克隆抗体=monoclonal antibody; 质粒=plasmid; 酶制剂=enzyme preparation; 益生菌=probiotic;
菌剂=microbial agent; 中药材=medicinal herb; 植物提取物=plant extract; 精油=essential oil; 微藻=microalgae;
食用菌=edible fungus; 饲料=feed; 秸秆=straw; 畜禽粪污=livestock manure; 沼渣=digestate;
餐厨垃圾=kitchen waste; 污泥=sludge; 渗滤液=leachate; 电镀废水=plating wastewater;
焦化废水=coking wastewater; 高盐废水=saline wastewater; 挥发性有机物=volatile organic compounds;
废旧电池=spent battery; 废轮胎=waste tyre; 废塑料=waste plastic; 退役叶片=retired blade; 润滑油=lubricant;
切削液=cutting fluid; 胶粘剂=adhesive; 防腐涂料=anticorrosive coating; 隔热涂层=thermal barrier coating;
耐磨堆焊=wear-resistant overlay; 无纺布=nonwoven fabric; 棉纱=cotton yarn; 羊绒=cashmere; 染料=dyestuff;
皮革=leather; 特种纸=speciality paper; 光学玻璃=optical glass; 蓝宝石=sapphire;
单晶硅=monocrystalline silicon; 砷化镓=gallium arsenide; 氢气=hydrogen; 液氨=liquid ammonia;
生物柴油=biodiesel; 甲醇=methanol
""")

PROCESSES = _pairs("""
激光熔覆=laser cladding; 选区熔化=selective melting; 增材制造=additive manufacturing;
搅拌摩擦焊=friction stir welding; 电子束焊接=electron beam welding; 精密铸造=investment casting;
半固态压铸=semi-solid casting; 等温锻造=isothermal forging; 旋压成形=spinning;
超塑成形=superplastic forming; 粉末冶金=powder metallurgy; 热等静压=hot isostatic pressing;
放电等离子烧结=spark plasma sintering; 真空热处理=vacuum heat treatment; 渗氮=nitriding;
微弧氧化=micro-arc oxidation; 电镀=electroplating; 化学镀=electroless plating;
磁控溅射=magnetron sputtering; 原子层沉积=atomic layer deposition; 化学气相沉积=chemical vapour deposition;
分子束外延=molecular beam epitaxy; 光刻=lithography; 干法刻蚀=dry etching; 晶圆键合=wafer bonding;
倒装封装=flip-chip packaging; 五轴加工=five-axis machining; 超声加工=ultrasonic machining;
电火花加工=electrical discharge machining; 砂带磨削=belt grinding; 珩磨=honing; 注塑=injection moulding;
挤出=extrusion; 模压=compression moulding; 树脂传递=resin transfer moulding; 缠绕=filament winding;
静电纺丝=electrospinning; 溶胶凝胶=sol-gel process; 水热合成=hydrothermal synthesis;
共沉淀=coprecipitation; 喷雾干燥=spray drying; 冷冻干燥=freeze drying; 微波干燥=microwave drying;
超临界萃取=supercritical extraction; 膜分离=membrane separation; 精馏=distillation; 结晶=crystallisation;
吸附=adsorption; 离子交换=ion exchange; 电渗析=electrodialysis; 电絮凝=electrocoagulation;
臭氧氧化=ozonation; 芬顿氧化=fenton oxidation; 厌氧发酵=anaerobic digestion; 好氧堆肥=aerobic composting;
生物滤池=biofiltration; 湿法冶金=hydrometallurgy; 浮选=flotation; 焙烧=roasting; 热解=pyrolysis;
气化=gasification; 加氢=hydrogenation; 脱硝=denitrification; 脱硫=desulphurisation; 碳捕集=carbon capture;
电解水=water electrolysis; 储氢=hydrogen storage; 余热回收=waste heat recovery;
相变储能=phase-change storage; 热泵干燥=heat pump drying; 酶解=enzymatic hydrolysis;
固态发酵=solid-state fermentation; 细胞培养=cell culture; 基因编辑=gene editing;
分子育种=molecular breeding; 组织培养=tissue culture; 纯化=purification; 包埋=encapsulation;
微囊化=microencapsulation; 灭菌=sterilisation; 高压均质=high-pressure homogenisation;
染整=dyeing and finishing; 数码印花=digital printing; 制浆=pulping; 盾构掘进=shield tunnelling;
注浆=grouting; 预应力张拉=prestressing; 装配式施工=prefabricated construction; 爆破=blasting;
水力压裂=hydraulic fracturing; 随钻测量=measurement while drilling; 充填开采=backfill mining;
无人机巡检=drone inspection; 三维扫描=three-dimensional scanning; 在线检测=inline inspection;
无损检测=non-destructive testing; 标定=calibration
""")

DEVICES = _pairs("""
传感器=sensor; 光谱仪=spectrometer; 质谱仪=mass spectrometer; 激光雷达=lidar;
毫米波雷达=millimetre-wave radar; 红外热像仪=infrared camera; 超声探头=ultrasonic probe;
示踪仪=tracer instrument; 流量计=flowmeter; 称重装置=weighing device; 伺服电机=servo motor;
直线电机=linear motor; 减速器=speed reducer; 滚珠丝杠=ball screw; 轴承=bearing; 密封件=seal;
液压缸=hydraulic cylinder; 比例阀=proportional valve; 空压机=air compressor; 真空泵=vacuum pump;
离心机=centrifuge; 换热器=heat exchanger; 锅炉=boiler; 回转窑=rotary kiln; 反应釜=reactor vessel;
干燥机=dryer; 破碎机=crusher; 分选机=sorter; 输送线=conveyor line; 机械臂=robot arm;
移动机器人=mobile robot; 爬壁机器人=climbing robot; 外骨骼=exoskeleton; 无人机=drone; 无人船=unmanned boat;
水下航行器=underwater vehicle; 数控机床=machine tool; 刀具=cutting tool; 夹具=fixture; 模具=mould;
焊机=welder; 喷涂设备=spraying unit; 电池包=battery pack; 变流器=power converter; 逆变器=inverter;
充电桩=charging pile; 燃料电池=fuel cell; 电解槽=electrolyser; 光伏组件=photovoltaic module;
风电机组=wind turbine; 变压器=transformer; 断路器=circuit breaker; 电缆接头=cable joint;
继电保护=protective relay; 芯片=chip; 功率模块=power module; 射频前端=radio front end; 天线=antenna;
光模块=optical transceiver; 微镜=micromirror; 显示面板=display panel; 探测器=detector; 网关=gateway;
边缘控制器=edge controller; 服务器=server; 工业相机=industrial camera; 投影光机=projection engine;
内窥镜=endoscope; 呼吸机=ventilator; 支架=stent; 人工关节=artificial joint; 种植体=dental implant;
试剂盒=reagent kit; 微流控芯片=microfluidic chip; 测序仪=sequencer; 血糖仪=glucose meter;
康复床=rehabilitation bed; 灭菌器=steriliser; 温室=greenhouse; 播种机=seeder; 采摘机=harvester;
灌溉系统=irrigation system; 养殖工船=aquaculture vessel; 孵化器=incubator; 除尘器=dust collector;
洗涤塔=scrubber; 曝气器=aerator; 膜组件=membrane module; 雨水泵站=stormwater pump;
监测浮标=monitoring buoy; 盾构机=tunnelling machine; 掘进机=roadheader; 液压支架=hydraulic support;
起重机=crane; 叉车=forklift; 集卡=yard truck; 转向架=bogie; 受电弓=pantograph; 起落架=landing gear;
推进器=thruster; 星敏感器=star tracker; 太阳翼=solar wing; 复材储罐=composite tank
""")

PROPERTIES = _pairs("""
抗拉强度=tensile strength; 屈服强度=yield strength; 断裂韧性=fracture toughness; 疲劳寿命=fatigue life;
硬度=hardness; 耐磨性=wear resistance; 耐蚀性=corrosion resistance; 导热系数=thermal conductivity;
热膨胀系数=thermal expansion; 介电常数=permittivity; 磁导率=permeability; 电导率=conductivity;
透光率=transmittance; 折射率=refractive index; 表面粗糙度=surface roughness; 定位精度=positioning accuracy;
重复精度=repeatability; 分辨率=resolution; 灵敏度=sensitivity; 响应时间=response time;
信噪比=signal-to-noise ratio; 误报率=false alarm rate; 漏检率=miss rate; 识别率=recognition rate;
检出限=detection limit; 量程=range; 能量密度=energy density; 循环寿命=cycle life;
转换效率=conversion efficiency; 能耗=energy consumption; 水耗=water consumption; 回收率=recovery rate;
去除率=removal rate; 纯度=purity; 产率=yield; 选择性=selectivity; 孔隙率=porosity;
比表面积=specific surface; 粒径=particle size; 粘度=viscosity; 固含量=solids content; 保质期=shelf life;
存活率=survival rate; 表达量=expression level; 准确率=accuracy; 召回率=recall; 吞吐量=throughput;
时延=latency; 带宽=bandwidth; 续航=endurance; 载荷=payload; 噪声=noise; 振动=vibration;
温升=temperature rise; 泄漏率=leak rate; 良品率=good-part rate; 节拍=cycle time; 换型时间=changeover time;
故障间隔=time between failures; 排放浓度=emission concentration; 含水率=moisture content;
含油率=oil content; 残留量=residue
""")

USES = _pairs("""
航空发动机=aero engine; 商业火箭=commercial rocket; 卫星载荷=satellite payload;
新能源汽车=electric vehicle; 轨道交通=rail transit; 港口码头=port terminal; 船舶制造=shipbuilding;
海上风电=offshore wind; 深海油气=deep-sea oil and gas; 长输管道=long-distance pipeline; 炼化装置=refinery;
煤矿井下=underground coal mine; 金属矿山=metal mine; 选矿厂=concentrator; 钢铁冶炼=steelmaking;
有色冶金=non-ferrous smelting; 水泥生产=cement works; 玻璃窑炉=glass furnace; 陶瓷制造=ceramics;
精细化工=fine chemicals; 制药车间=pharmaceutical plant; 疫苗生产=vaccine production;
医院检验=hospital laboratory; 骨科手术=orthopaedic surgery; 口腔修复=dental restoration;
慢病管理=chronic care; 养老护理=elderly care; 食品加工=food processing; 乳品企业=dairy;
白酒酿造=liquor brewing; 茶叶加工=tea processing; 果蔬保鲜=fruit storage; 冷链物流=cold chain;
设施农业=protected agriculture; 大田种植=field crops; 果园管理=orchard management; 水产养殖=aquaculture;
畜禽养殖=livestock farming; 林业防火=forest fire control; 盐碱地改良=saline soil improvement;
土壤修复=soil remediation; 黑臭水体=polluted river; 市政污水=municipal sewage; 工业园区=industrial park;
垃圾焚烧=waste incineration; 电子废弃物=electronic waste; 数据中心=data centre; 变电站=substation;
配电网=distribution grid; 储能电站=storage station; 光伏电站=solar plant; 加氢站=hydrogen station;
区域供热=district heating; 绿色建筑=green building; 桥梁监测=bridge monitoring;
隧道施工=tunnel construction; 高速公路=expressway; 机场跑道=runway; 智慧仓储=smart warehouse;
纺织印染=textile dyeing; 服装定制=garment tailoring; 造纸企业=paper mill; 家具制造=furniture;
线路板工厂=circuit board plant; 晶圆工厂=wafer fab; 显示面板厂=panel plant; 手机组装=phone assembly;
精密光学=precision optics; 机床行业=machine tool sector; 注塑工厂=moulding shop; 铸造车间=foundry;
热处理车间=heat treatment shop; 焊装车间=welding shop; 文物保护=heritage conservation; 公安刑侦=forensics;
应急救援=emergency rescue; 海洋观测=ocean observation; 气象预报=weather forecasting;
遥感测绘=remote sensing survey; 智慧城市=smart city; 工业互联网=industrial internet; 金融风控=risk control;
教育培训=education
""")

METHODS = _pairs("""
孪生网络=siamese network; 卷积网络=convolutional network; 图神经网络=graph network;
大语言模型=language model; 强化学习=reinforcement learning; 迁移学习=transfer learning;
少样本学习=few-shot learning; 联邦学习=federated learning; 知识图谱=knowledge graph; 数字孪生=digital twin;
有限元=finite element; 多物理场=multiphysics; 分子动力学=molecular dynamics; 第一性原理=first-principles;
拓扑优化=topology optimisation; 遗传算法=genetic algorithm; 贝叶斯优化=bayesian optimisation;
模型预测控制=model predictive control; 自适应控制=adaptive control; 滑模控制=sliding mode control;
因子图=factor graph; 卡尔曼滤波=kalman filter; 压缩感知=compressed sensing; 小波变换=wavelet transform;
盲源分离=blind source separation; 点云配准=point cloud registration; 立体视觉=stereo vision;
结构光=structured light; 相移干涉=phase-shift interferometry; 光纤光栅=fibre grating; 太赫兹=terahertz;
拉曼光谱=raman spectroscopy; 近红外=near infrared; 荧光标记=fluorescent labelling;
声发射=acoustic emission; 涡流=eddy current; 超声导波=guided wave; 微波成像=microwave imaging;
核磁共振=magnetic resonance; 同位素示踪=isotope tracing; 高通量筛选=high-throughput screening;
定向进化=directed evolution; 代谢工程=metabolic engineering; 单细胞测序=single-cell sequencing;
分子对接=molecular docking; 响应面=response surface; 正交试验=orthogonal experiment;
生命周期评价=life-cycle assessment; 区块链=blockchain; 隐私计算=private computing;
同态加密=homomorphic encryption; 边缘计算=edge computing; 时间敏感网络=time-sensitive network;
软件定义=software-defined; 梯度结构=graded structure; 仿生结构=biomimetic structure;
核壳结构=core-shell structure; 异质结=heterojunction; 缺陷工程=defect engineering;
表面改性=surface modification; 界面调控=interface control; 原位生长=in-situ growth;
晶粒细化=grain refinement; 时效强化=age hardening; 低温等离子体=cold plasma; 脉冲电场=pulsed field;
超重力=high gravity
""")

TROUBLES = _pairs("""
开裂=cracking; 变形=distortion; 气孔=porosity defects; 结垢=scaling; 堵塞=clogging; 磨损=wear;
腐蚀=corrosion; 渗漏=seepage; 团聚=agglomeration; 分层=delamination; 脱落=peeling; 偏析=segregation;
翘曲=warping; 烧蚀=ablation; 漂移=drift; 误判=misjudgement; 停机=downtime; 能耗过高=high energy use;
成本过高=high cost; 批次差异=batch variation; 人工依赖=dependence on labour;
进口依赖=dependence on imports; 二次污染=secondary pollution; 排放超标=excess emissions;
热失控=thermal runaway; 电磁干扰=electromagnetic interference; 遮挡=occlusion; 样本不足=too few samples;
数据孤岛=isolated data; 接口不通=incompatible interfaces; 寿命短=short life; 效率低=low efficiency;
杂菌污染=contamination; 病害=plant disease; 抗药性=drug resistance; 应激=stress response; 异味=odour;
褐变=browning; 返工=rework; 色差=colour deviation; 毛刺=burrs; 卡滞=jamming; 共振=resonance;
沉降=settlement; 冻融=freeze-thaw damage; 冲刷=scour
""")

CLAIMS = _pairs("""
结构紧凑=compact; 成本低=low in cost; 绿色环保=environmentally sound; 自主可控=independently developed;
稳定可靠=stable and reliable; 易于维护=easy to maintain; 模块化=modular; 智能化=intelligent;
连续化=continuous; 国产替代=a domestic substitute; 轻量化=lightweight; 高精度=highly precise;
高通量=high-throughput; 长寿命=long-lived; 低功耗=low-power; 免标定=calibration-free; 可回收=recyclable;
可降解=degradable
""")

UNITS = (
    "MPa", "GPa", "℃", "mm", "μm", "nm", "kW", "kWh/t", "mg/L", "g/L", "%", "Hz", "dB", "h", "s", "m/s",
    "t/h", "V", "A", "Pa", "Wh/kg", "次", "ppm",
)  # fmt: skip

ELEMENTS = (
    "Li", "Na", "K", "Mg", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "Zr",
    "Nb", "Mo", "Ag", "In", "Sn", "La", "Ce", "Nd", "Hf", "Ta", "W", "Bi", "Al", "Si", "P", "S",
)  # fmt: skip

ONSETS = (
    "b", "br", "c", "cal", "d", "dor", "f", "fer", "g", "gal", "h", "kel", "l", "lum", "m", "mar", "n",
    "nor", "pel", "qu", "r", "s", "sil", "t", "tor", "v", "ver", "x", "z",
)  # fmt: skip
MIDDLES = (
    "a", "an", "e", "el", "i", "in", "o", "or", "u", "ur", "ad", "em", "ib", "ol", "yn",
)  # fmt: skip
ENDS = (
    "bex", "cor", "dine", "fil", "gen", "lite", "mab", "nol", "phor", "quant", "rix", "sol", "tec",
    "tron", "vac", "zyme",
)  # fmt: skip

SURNAMES = "罗梁席纪高闻顾沈秦许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
GIVEN = (
    "知微", "怀瑾", "慕白", "云帆", "砚舟", "望舒", "天佑", "思远", "若虚", "景行", "子衿", "清和",
    "一诺", "书言", "明远", "嘉树", "立新", "海峰", "晓东", "文博", "志强", "建国", "丽华", "秀英", "伟",
    "敏", "静", "磊", "洋", "艳",
)  # fmt: skip
