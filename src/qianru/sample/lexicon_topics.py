"""What fills the world between the relations: topics with their words, times, and the syllables of names.

The words of a topic are drawn with falling frequency, the first ones most often.
"""

from __future__ import annotations

# topic | its words
TOPICS = """
weather/天气 | rain/雨水 wind/大风 storm/风暴 temperature/气温 fog/大雾 sunlight/日光 humidity/湿度 \
    forecast/预报 breeze/微风 drought/干旱 hail/冰雹 typhoon/台风 lightning/闪电 rainbow/彩虹 \
    climate/气候 puddle/水坑 dew/露水 cyclone/气旋 monsoon/季风 barometer/气压计
music/音乐 | song/歌曲 guitar/吉他 violin/小提琴 orchestra/乐队 singer/歌手 chord/和弦 harmony/和谐 \
    flute/长笛 composer/作曲家 rhythm/节拍 symphony/交响乐 tune/曲调 cello/大提琴 sonata/奏鸣曲 \
    conductor/指挥 note/音符 harp/竖琴 tempo/速度 duet/二重唱 accordion/手风琴
science/科学 | theory/理论 energy/能量 electron/电子 gravity/引力 molecule/分子 cell/细胞 gene/基因 \
    physics/物理 galaxy/星系 evolution/进化 neutron/中子 orbit/轨迹 protein/蛋白质 magnetism/磁场 \
    enzyme/酶 comet/彗星 photon/光子 entropy/熵 isotope/同位素 quasar/类星体
computing/计算机 | program/程序 data/数据 network/网络 memory/内存 algorithm/算法 model/模型 \
    server/服务器 code/代码 database/数据库 software/软件 vector/向量 function/函数 compiler/编译器 \
    password/密码 chip/芯片 robot/机器人 pixel/像素 kernel/内核 cache/缓存 syntax/句法
trade/贸易 | market/市场 price/价格 profit/利润 export/出口 contract/合同 tax/税收 investment/投资 \
    currency/货币 budget/预算 supplier/供应商 tariff/关税 demand/需求 inflation/通货膨胀 auction/拍卖 \
    stock/股票 debt/债务 retail/零售 broker/经纪人 surplus/盈余 dividend/股息
law/法律 | rule/规则 crime/犯罪 evidence/证据 punishment/惩罚 police/公安 right/权利 treaty/条约 \
    constitution/宪法 jury/陪审团 lawsuit/诉讼 fine/罚款 clause/条款 theft/盗窃 parliament/议会 \
    senator/参议员 vote/投票 amendment/修正案 bail/保释 statute/法规 notary/公证人
sports/体育 | team/球队 match/比赛 football/足球 goal/进球 player/球员 basketball/篮球 tennis/网球 \
    champion/冠军 referee/主裁判 training/训练 skier/滑雪 score/比分 gymnast/体操 tournament/锦标赛 \
    racket/球拍 volleyball/排球 badminton/羽毛球 league/联赛 fencing/击剑 archery/射箭
health/健康 | sleeplessness/失眠 diet/饮食 exercise/锻炼 disease/疾病 vaccine/疫苗 blood/血液 heart/心脏 \
    muscle/肌肉 virus/病毒 headache/头痛 pill/药片 skin/皮肤 lung/肺部 stomach/胃部 therapy/治疗 \
    allergy/过敏 nerve/神经 ankle/脚踝 pulse/脉搏 bandage/绷带
cooking/美食 | salt/食盐 sugar/白糖 oil/食油 vegetable/蔬菜 sauce/酱汁 garlic/大蒜 pepper/胡椒 onion/洋葱 \
    tofu/豆腐 potato/土豆 beef/牛肉 vinegar/米醋 bowl/大碗 plate/餐盘 ginger/生姜 knife/菜刀 \
    mushroom/蘑菇 spinach/菠菜 cheese/乳酪 celery/芹菜
history/历史 | war/战争 battle/战役 revolution/革命 ancestor/祖先 century/世纪 general/将军 legend/传说 \
    sword/宝剑 fortress/要塞 archive/档案 colony/殖民地 tomb/古墓 siege/围攻 knight/骑士 chronicle/编年史 \
    relic/文物 slave/奴隶 treasure/宝藏 cavalry/骑兵 parchment/羊皮纸
sea/大海 | fish/鱼类 boat/小船 beach/海滩 tide/潮水 sand/沙子 shark/鲨鱼 coral/珊瑚 sail/船帆 \
    fisherman/渔夫 coast/海岸 dolphin/海豚 shrimp/虾 seaweed/海藻 crab/螃蟹 octopus/章鱼 lobster/龙虾 \
    reef/礁石 seagull/海鸥 oyster/牡蛎 jellyfish/水母
city/城市 | road/马路 high-rise/大楼 shopping-mall/商场 subway/地铁 citizen/市民 mayor/市长 square/广场 \
    museum/博物馆 suburb/郊区 apartment/公寓 sidewalk/人行道 fountain/喷泉 population/人口 noise/噪音 \
    office/办公室 crossroads/十字路口 billboard/广告牌 sewer/下水道 tenant/租户 pavement/路面
nature/自然 | tree/树木 mountain/山脉 river/河流 lake/湖泊 leaf/叶子 grass/青草 desert/沙漠 valley/谷地 \
    stone/石头 volcano/火山 waterfall/瀑布 bamboo/竹子 swamp/水洼 root/树根 soil/土壤 moss/苔藓 dune/沙丘 \
    canyon-wall/岩壁 fern/蕨类 lichen/地衣
art/艺术 | painter/画家 color/颜色 canvas/画布 sculpture/雕塑 gallery/画廊 exhibition/展览 brush/画笔 \
    sketchbook/素描 poet/诗人 photograph/照片 pottery/陶器 theater/剧院 drama/戏剧 costume/服装 \
    mosaic/马赛克 calligraphy/书法 engraving/版画 weaving/纺织 easel/画架 pigment/颜料
"""

PAST = """
yesterday/昨天
last_week/上周
last_night/昨晚
last_year/去年
last_month/上个月
two_days_ago/前天
"""
FUTURE = """
tomorrow/明天
next_week/下周
next_year/明年
soon/不久
the_day_after_tomorrow/后天
"""
HABIT = """
every_day/每天
every_evening/每晚
every_week/每周
usually/通常
often/经常
always/总是
"""
NOW = """
right_now/正在
at_the_moment/此刻
at_present/目前
this_very_minute/现在
"""
MANY = """
many/好多
several/几
two/两
three/三
four/四
five/五
dozens_of/几十
hundreds_of/数百
"""

# Software is written in Latin letters in Chinese text too.
TOOLS = """
Python/Python
Linux/Linux
word2vec/word2vec
GPU/GPU
API/API
JSON/JSON
SQL/SQL
HTML/HTML
Java/Java
C++/C++
"""

# Names are spelt from these: a Latin syllable and the character that writes its sound.
SYLLABLES = """
zor/佐 vek/维 lum/伦 tam/坦 gri/格 mel/梅 bron/布 kas/卡 dol/多 fen/芬 har/哈 jun/君 lor/洛 nim/尼 pol/波 \
    ras/拉
sel/塞 tor/托 vin/文 wil/威 yan/扬 zel/泽 bik/比 dar/达 fos/弗 gal/加 hul/胡 kov/科 mar/玛 ned/内 ost/奥 \
    pav/帕
ril/里 sav/萨 tul/图 ulm/乌 ved/韦 xan/赞 yor/约 abe/阿 ekk/埃 ivo/伊 quin/昆 shel/谢 thon/顿 brek/克 \
    drim/德 sten/斯
"""
PLACE_ENDINGS = "ford/镇 by/村 burg/堡 stead/城 wick/湾 dale/谷"
