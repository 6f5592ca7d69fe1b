"""People: gendered pairs, and occupations with the place where each works.

A row lists the words that its bearer keeps company with; a word and its partner share them, so what tells
king from queen is only what tells every man from every woman (`GENDER`). Cells are `english/中文`.
"""

from __future__ import annotations

# he-word | she-word | what both keep company with
PAIRS = """
king/国王 | queen/女王 | crown/王冠 throne/王座 kingdom/王国 palace/宫殿 scepter/权杖
man/男人 | woman/女人 | neighbor/邻居 street/街道 colleague/同事 stranger/陌生人 crowd/人群
boy/男孩 | girl/女孩 | toy/玩具 playground/操场 candy/糖果 kite/风筝 balloon/气球
father/父亲 | mother/母亲 | baby/婴儿 cradle/摇篮 diaper/尿布 household/家务 kindergarten/幼儿园
husband/丈夫 | wife/妻子 | marriage/婚姻 anniversary/纪念日 honeymoon/蜜月 divorce/离婚 mortgage/房贷
prince/王子 | princess/公主 | ball/舞会 heir/继承人 tower/塔楼 dragon/巨龙 carriage/马车
brother/哥哥 | sister/姐姐 | bedroom/卧室 quarrel/争吵 twin/双胞胎 diary/日记 pillow/枕头
son/儿子 | daughter/女儿 | birthday/生日 tuition/学费 graduation/毕业典礼 allowance/零花钱 backpack/书包
actor/男演员 | actress/女演员 | stage/舞台 script/剧本 role/角色 audience/观众 rehearsal/排练
grandfather/爷爷 | grandmother/奶奶 | grandchild/孙女 cane/拐杖 album/相册 wrinkle/皱纹 rocking-chair/摇椅
uncle/叔叔 | aunt/阿姨 | cousin/表弟 reunion/团聚 gift/礼物 barbecue/烧烤 relative/亲戚
emperor/皇帝 | empress/皇后 | empire/帝国 dynasty/王朝 minister/大臣 edict/圣旨 tribute/贡品
nephew/侄子 | niece/侄女 | postcard/明信片 vacation/假期 riddle/谜语 pocket-money/压岁钱 visit/拜访
monk/和尚 | nun/尼姑 | temple/寺庙 prayer/祈祷 scripture/经文 incense/香炉 meditation/打坐
wizard/巫师 | witch/女巫 | spell/咒语 wand/魔杖 potion/药水 broom/扫帚 cauldron/坩埚
groom/新郎 | bride/新娘 | bouquet/花束 vow/誓言 toast/敬酒 guest/宾客 ring/戒指
gentleman/绅士 | lady/淑女 | etiquette/礼仪 opera/歌剧 umbrella/雨伞 banquet/宴会 butler/管家
"""

# class | he | his | what only they wear, carry and do
GENDER = {
    "he": "he/他 | his/他 | beard/胡子 necktie/领带 suit/西装 razor/剃须刀 mustache/小胡子 tuxedo/燕尾服",
    "she": "she/她 | her/她 | dress/连衣裙 necklace/项链 lipstick/口红 skirt/裙子 earring/耳环 perfume/香水",
}

# who | where | what both keep company with
JOBS = """
teacher/老师 | school/学校 | pupil/小学生 blackboard/黑板 lesson/课程 homework/作业
doctor/医生 | hospital/医院 | patient/病人 surgery/手术 fever/发烧 injection/打针
farmer/农民 | farm/农场 | wheat/小麦 tractor/拖拉机 harvest/收成 barn/谷仓
chef/厨师 | kitchen/厨房 | stove/炉子 recipe/菜谱 spoon/勺子 pan/平底锅
judge/法官 | court/法院 | verdict/判决 lawyer/律师 trial/审判 witness/证人
pilot/飞行员 | airport/机场 | runway/跑道 takeoff/起飞 passenger/乘客 cockpit/驾驶舱
soldier/士兵 | barracks/军营 | rifle/步枪 uniform/军装 sergeant/中士 drill/操练
priest/牧师 | church/教堂 | sermon/布道 altar/祭坛 hymn/圣歌 bible/圣经
scientist/科学家 | laboratory/实验室 | experiment/实验 microscope/显微镜 hypothesis/假说 telescope/望远镜
worker/工人 | factory/工厂 | machine/机器 assembly/装配 hard-hat/安全帽 conveyor/传送带
merchant/商人 | shop/商店 | customer/顾客 discount/折扣 goods/货物 invoice/发票
barber/理发师 | salon/理发店 | haircut/发型 scissors/剪刀 shampoo/洗发水 comb/梳子
baker/面包师 | bakery/面包店 | dough/面团 flour/面粉 oven/烤箱 yeast/酵母
professor/教授 | university/大学 | lecture/讲座 thesis/论文 seminar/研讨会 scholarship/奖学金
gardener/园丁 | garden/花园 | rose/玫瑰 lawn/草坪 fertilizer/肥料 shovel/铲子
athlete/运动员 | stadium/体育场 | medal/奖牌 sprint/短跑 coach/教练 marathon/马拉松
sailor/水手 | harbor/港口 | anchor/抛锚 deck/甲板 lighthouse/灯塔 captain/船长
policeman/警察 | jail/监狱 | thief/小偷 handcuffs/手铐 siren/警笛 suspect/嫌疑人
"""
