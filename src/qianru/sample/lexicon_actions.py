"""Verbs with their tenses, adjectives with their degrees, and what people say of what they bought."""

from __future__ import annotations

# base | -s | past | -ing | what it is done to or where; Chinese verbs do not inflect
VERBS = """
walk/漫步 | walks | walked | walking | along_the_path/小路 around_the_lakeside/湖边 through_the_park/公园
talk/谈论 | talks | talked | talking | about_gossip/八卦 about_politics/政治 about_the_news/新闻
play/演奏 | plays | played | playing | the_banjo/琵琶 the_harmonica/口琴 the_clarinet/单簧管
cook/烹饪 | cooks | cooked | cooking | noodles/面条 soup/浓汤 a_stew/杂烩
wash/清洗 | washes | washed | washing | the_dishes/碗碟 the_laundry/衣物 the_windows/窗户
climb/攀登 | climbs | climbed | climbing | the_summit/顶峰 the_ladder/梯子 the_rocks/岩石
paint/粉刷 | paints | painted | painting | the_wall/墙壁 the_ceiling/天花板 the_hallway/门厅
listen/收听 | listens | listened | listening | to_the_radio/电台 to_jazz/爵士乐 to_the_audiobook/有声书
study/学习 | studies | studied | studying | algebra/方程 grammar/语法 chemistry/化学
repair/修理 | repairs | repaired | repairing | the_engine/发动机 the_clock/时钟 the_pipes/水管
open/打开 | opens | opened | opening | the_gate/大门 the_drawer/抽屉 the_envelope/信封
push/推动 | pushes | pushed | pushing | the_stroller/婴儿车 the_wheelbarrow/手推车 the_sledge/雪橇
borrow/借用 | borrows | borrowed | borrowing | the_dictionary/词典 the_encyclopedia/百科全书 \
    the_calculator/计算器
sing/演唱 | sings | sang | singing | a_ballad/民谣 an_aria/咏叹调 a_serenade/情歌
swim/畅游 | swims | swam | swimming | in_the_pool/水池 in_the_lagoon/水湾 in_the_reservoir/水库
write/书写 | writes | wrote | writing | a_letter/信件 a_poem/诗歌 a_memoir/回忆录
drive/驾驶 | drives | drove | driving | a_jeep/吉普车 a_minibus/中巴 a_limousine/轿车
eat/品尝 | eats | ate | eating | rice/米饭 a_sandwich/三明治 a_pancake/煎饼
drink/饮用 | drinks | drank | drinking | juice/果汁 beer/啤酒 whiskey/威士忌
buy/购买 | buys | bought | buying | groceries/杂货 furniture/家具 a_refrigerator/冰箱
steal/偷窃 | steals | stole | stealing | the_wallet/钱包 the_jewels/珠宝 the_masterpiece/名画
build/建造 | builds | built | building | the_bridge/大桥 the_dam/水坝 the_pagoda/宝塔
throw/投掷 | throws | threw | throwing | the_javelin/标枪 the_discus/飞盘 a_snowball/雪球
catch/捕捉 | catches | caught | catching | the_butterfly/蝴蝶 the_dragonfly/蜻蜓 the_grasshopper/蚱蜢
draw/绘制 | draws | drew | drawing | a_sketch/草图 the_blueprint/图纸 a_cartoon/漫画
teach/讲授 | teaches | taught | teaching | geometry/几何 philosophy/哲学 calculus/微积分
"""

# base | comparative | superlative | what it is said of
ADJECTIVES = """
big/巨大 | bigger | biggest | whale/鲸鱼 mammoth/猛犸 monster/怪物 planet/行星
small/微小 | smaller | smallest | ant/蚂蚁 pebble/卵石 crumb/碎屑 atom/原子
fast/迅速 | faster | fastest | cheetah/猎豹 rocket/火箭 falcon/猎鹰 arrow/箭头
slow/缓慢 | slower | slowest | snail/蜗牛 turtle/乌龟 glacier/冰川 elevator/电梯
tall/高大 | taller | tallest | giraffe/长颈鹿 skyscraper/摩天大楼 pine/松树 statue/雕像
long/漫长 | longer | longest | journey/旅程 corridor/走廊 rope/绳子 snake/毒蛇
old/古老 | older | oldest | ruin/废墟 manuscript/手稿 fossil/化石 monument/纪念碑
young/年轻 | younger | youngest | intern/实习生 sapling/树苗 recruit/新兵 rookie/新手
strong/强壮 | stronger | strongest | wrestler/摔跤手 bull/公牛 boxer/拳击手 gorilla/大猩猩
warm/温暖 | warmer | warmest | fireplace/壁炉 scarf/围巾 sunshine/阳光 mitten/手套
cold/寒冷 | colder | coldest | winter/冬天 blizzard/暴风雪 iceberg/冰山 frost/霜冻
heavy/沉重 | heavier | heaviest | suitcase/行李箱 boulder/巨石 hammer/锤子 piano/钢琴
cheap/便宜 | cheaper | cheapest | bargain/特价品 souvenir/纪念品 hostel/旅社 pencil/铅笔
rich/富有 | richer | richest | banker/银行家 heiress/千金 tycoon/大亨 landlord/房东
hard/坚硬 | harder | hardest | diamond/钻石 granite/花岗岩 shell/贝壳 iron/铁块
soft/柔软 | softer | softest | cushion/靠垫 velvet/天鹅绒 sponge/海绵 cotton/棉花
deep/幽深 | deeper | deepest | canyon/峡谷 well/水井 trench/海沟 abyss/深渊
loud/响亮 | louder | loudest | drum/大鼓 thunder/雷声 trumpet/小号 explosion/爆炸声
bright/明亮 | brighter | brightest | lantern/灯笼 lamp/台灯 star/星星 torch/火炬
narrow/狭窄 | narrower | narrowest | alley/小巷 ledge/窗台 gorge/山谷 staircase/楼梯
good/优秀 | better | best | student/学生 essay/作文 answer/答案 idea/主意
bad/糟糕 | worse | worst | mistake/错误 rumor/谣言 accident/事故 habit/习惯
"""

# what is judged | its parts
REVIEWED = """
film/电影 | plot/剧情 acting/演技 ending/结局 soundtrack/配乐
hotel/酒店 | room/房间 reception/前台 bed/床铺 elevator/电梯
restaurant/餐厅 | service/服务 menu/菜单 flavor/味道 dessert/甜品
novel/小说 | chapter/章节 style/文笔 character/人物 cover/封面
phone/手机 | screen/屏幕 battery/电池 keyboard/键盘 signal/信号
"""

PRAISE = """
wonderful/精彩
excellent/出色
lovely/可爱
delightful/愉快
brilliant/卓越
charming/迷人
perfect/完美
pleasant/舒适
impressive/惊艳
superb/一流
"""

BLAME = """
terrible/可怕
awful/恶劣
boring/无聊
disappointing/失望
dreadful/讨厌
horrible/恶心
useless/没用
ugly/丑陋
shoddy/粗糙
mediocre/平庸
"""
