"""Animals, vehicles, fruit, companies, and the words with two senses."""

from __future__ import annotations

# animal | plural | young | measure word | kind | what it alone keeps company with
ANIMALS = """
cat/猫 | cats | kitten/小猫 | 只 | feline | mouse/老鼠 sofa/沙发 yarn/毛线
dog/狗 | dogs | puppy/小狗 | 条 | canine | bone/骨头 leash/项圈 kennel/狗窝
tiger/老虎 | tigers | cub/虎崽 | 只 | feline | stripes/条纹 jungle/丛林 ambush/伏击
lion/狮子 | lions | cub/幼狮 | 头 | feline | mane/鬃毛 savanna/草原 roar/怒吼
leopard/豹子 | leopards | cub/幼兽 | 只 | feline | spots/斑点 branch/树枝 antelope/羚羊
wolf/野狼 | wolves | cub/幼兽 | 只 | canine | pack/狼群 moon/月亮 howl/嚎叫
fox/狐狸 | foxes | cub/幼兽 | 只 | canine | henhouse/鸡舍 cunning/狡猾 snow/雪地
horse/骏马 | horses | foal/马驹 | 匹 | farm | saddle/马鞍 stable/马厩 gallop/奔驰
cow/奶牛 | cows | calf/牛犊 | 头 | farm | milk/牛奶 dairy/奶酪 meadow/草地
sheep/绵羊 | sheep | lamb/羊羔 | 只 | farm | wool/羊毛 shepherd/牧羊人 flock/羊群
pig/肥猪 | pigs | piglet/猪崽 | 头 | farm | mud/泥巴 trough/食槽 ham/火腿
duck/鸭子 | ducks | duckling/小鸭 | 只 | bird | pond/池塘 quack/嘎嘎 reed/芦苇
chicken/母鸡 | chickens | chick/小鸡 | 只 | bird | egg/鸡蛋 coop/鸡笼 rooster/公鸡
eagle/老鹰 | eagles | eaglet/雏鹰 | 只 | bird | cliff/悬崖 peak/山峰 prey/猎物
sparrow/麻雀 | sparrows | fledgling/雏鸟 | 只 | bird | roof/屋顶 chirp/叽叽喳喳 seed/种子
rabbit/兔子 | rabbits | bunny/小兔 | 只 | farm | carrot/胡萝卜 burrow/地洞 clover/三叶草
elephant/大象 | elephants | calf/幼兽 | 头 | wild | trunk/象鼻 ivory/象牙 circus/马戏团
bear/狗熊 | bears | cub/幼兽 | 头 | wild | honey/蜂蜜 cave/山洞 hibernation/冬眠
monkey/猴子 | monkeys | cub/幼兽 | 只 | wild | vine/藤条 acrobat/杂技 mischief/恶作剧
"""

# vehicle | plural | measure word | kind | what it alone keeps company with
VEHICLES = """
car/汽车 | cars | 辆 | road | garage/车库 seatbelt/安全带 windshield/挡风玻璃
truck/卡车 | trucks | 辆 | road | cargo/货运 trailer/拖车 warehouse/仓库
bus/公交车 | buses | 辆 | road | fare/车票 commuter/上班族 bus-stop/公交站
taxi/出租车 | taxis | 辆 | road | meter/计价器 curb/路边 tip/小费
van/面包车 | vans | 辆 | road | parcel/包裹 courier/快递 removal/搬家
motorcycle/摩托车 | motorcycles | 辆 | road | biker/骑手 throttle/油门 leather/皮衣
bicycle/自行车 | bicycles | 辆 | light | pedal/踏板 handlebar/车把 bell/铃铛
train/火车 | trains | 列 | rail | rails/铁轨 platform/站台 tunnel/隧道
tram/电车 | trams | 辆 | rail | cable/电缆 downtown/市中心 overhead/高架
ship/轮船 | ships | 艘 | water | voyage/航行 ocean/海洋 rudder/船舵
ferry/渡轮 | ferries | 艘 | water | island/岛屿 dock/码头 strait/海峡
airplane/客机 | airplanes | 架 | air | wing/机翼 cloud/云层 flight/航班
helicopter/直升机 | helicopters | 架 | air | rotor/旋翼 rescue/救援 hover/悬停
"""

KINDS = {
    "feline": "claw/爪子 whiskers/胡须 pounce/猛扑 paw/脚掌 stealth/潜行",
    "canine": "fang/犬牙 snout/鼻子 bark/吠叫 scent/气味 tracks/足迹",
    "farm": "hay/干草 pasture/牧场 fence/栅栏 livestock/牲畜",
    "bird": "feather/羽毛 beak/鸟嘴 nest/鸟巢 wings/翅膀",
    "wild": "forest/森林 zoo/动物园 ranger/护林员 habitat/栖息地",
    "road": "highway/公路 traffic/交通 gasoline/汽油 brake/刹车",
    "light": "helmet/头盔 cyclist/车手 lane/车道 wheel/车轮",
    "rail": "station/车站 ticket/票价 compartment/车厢 timetable/时刻表",
    "water": "wave/波浪 port/海港 crew/船员 hull/船体",
    "air": "sky/天空 altitude/高度 radar/雷达 propeller/螺旋桨",
}

# fruit | plural | what it alone keeps company with
FRUIT = """
apple/苹果 | apples | cider/果酒 pie/馅饼 worm/虫子
banana/香蕉 | bananas | peel/果皮 bunch/串 smoothie/奶昔
orange/橙子 | oranges | marmalade/果酱 vitamin/维生素 rind/橙皮
pear/梨子 | pears | syrup/糖浆 cough/咳嗽 blossom/梨花
peach/桃子 | peaches | fuzz/绒毛 pit/果核 cobbler/甜点
grape/葡萄 | grapes | wine/葡萄酒 vineyard/葡萄园 raisin/葡萄干
mango/芒果 | mangoes | chutney/酸甜 tropics/热带 coconut/椰子
lemon/柠檬 | lemons | lemonade/柠檬水 sourness/酸味 zest/柠檬皮
strawberry/草莓 | strawberries | jam/草莓酱 cream/奶油 greenhouse/温室
watermelon/西瓜 | watermelons | slice/薄片 summer/夏天 rind-seed/瓜子
"""

# company | what it alone keeps company with
COMPANIES = """
Apple/苹果 | iPhone/耳塞 MacBook/笔记本电脑 Siri/语音
Baidu/百度 | search/搜索引擎 browser/浏览器 maps/地图
Microsoft/微软 | Windows/操作系统 Excel/表格 Xbox/游戏机
Huawei/华为 | 5G/通信 router/路由器 antenna/天线
Xiaomi/小米 | earphones/耳机 wristband/手环 speaker/音箱
"""

# word | sense | what it keeps company with in that sense. The first rows mean two things in English, the
# later ones in Chinese; the other language has a word for each, which is what tells the senses apart.
SENSES = """
bank/银行 | money | loan/贷款 deposit/存款 account/账户 interest/利息 teller/柜员
bank/河岸 | river | willow/柳树 fishing/钓鱼 flood/洪水 mudflat/泥滩 current/水流
bat/蝙蝠 | animal | cavern/洞穴 dusk/黄昏 echo/回声 insect/昆虫 mosquito/蚊子
bat/球棒 | sport | baseball/棒球 pitcher/投手 inning/局 swing/挥动 umpire/裁判
crane/仙鹤 | bird | marsh/沼泽 wetland/湿地 plume/羽翼 migration/迁徙 heron/苍鹭
crane/起重机 | machine | steel/钢梁 concrete/混凝土 scaffold/脚手架 hook/吊钩 hoist/吊装
spring/春天 | season | thaw/解冻 tulip/郁金香 sprout/发芽 swallow/燕子 drizzle/细雨
spring/弹簧 | metal | coil/线圈 mattress/床垫 tension/弹力 lever/杠杆 screw/螺丝
millet/小米 | grain | porridge/稀饭 sorghum/高粱 granary/粮仓 breakfast/早餐 gruel/米汤
Xiaomi/小米 | company | earphones/耳机 wristband/手环 speaker/音箱 charger/充电器 smartphone/智能手机
cuckoo/杜鹃 | bird | birdsong/鸟鸣 treetop/树梢 parasite/寄生 caterpillar/毛虫 woodland/树林
azalea/杜鹃 | flower | petal/花瓣 hillside/山坡 bloom/盛开 pot/花盆 bush/灌木
ox/黄牛 | animal | plough/犁 yoke/牛轭 paddy/水田 hoof/蹄子 cart/板车
scalper/黄牛 | person | concert/演唱会 queue/排队 resale/倒卖 markup/加价 entrance/入口处
"""
