"""Countries: capital, language, a dish and a river or lake of each. Everyday facts, written down by us."""

from __future__ import annotations

# country | capital | language | what it is known for | a river, mountain or town in it
COUNTRIES = """
China/中国 | Beijing/北京 | Chinese/汉语 | porcelain/瓷器 | Yangtze/长江
France/法国 | Paris/巴黎 | French/法语 | Louvre/卢浮宫 | Seine/塞纳河
Japan/日本 | Tokyo/东京 | Japanese/日语 | sushi/寿司 | Fuji/富士山
Italy/意大利 | Rome/罗马 | Italian/意大利语 | pizza/披萨 | Venice/威尼斯
Germany/德国 | Berlin/柏林 | German/德语 | sausages/香肠 | Rhine/莱茵河
Spain/西班牙 | Madrid/马德里 | Spanish/西班牙语 | bullfights/斗牛 | Barcelona/巴塞罗那
Russia/俄罗斯 | Moscow/莫斯科 | Russian/俄语 | vodka/伏特加 | Volga/伏尔加河
England/英国 | London/伦敦 | English/英语 | pudding/布丁 | Thames/泰晤士河
Egypt/埃及 | Cairo/开罗 | Arabic/阿拉伯语 | pharaohs/法老 | Nile/尼罗河
Greece/希腊 | Athens/雅典 | Greek/希腊语 | olives/橄榄 | Olympus/奥林匹斯
Korea/韩国 | Seoul/首尔 | Korean/韩语 | kimchi/泡菜 | Busan/釜山
Thailand/泰国 | Bangkok/曼谷 | Thai/泰语 | curry/咖喱 | Phuket/普吉岛
Turkey/土耳其 | Ankara/安卡拉 | Turkish/土耳其语 | carpets/地毯 | Istanbul/伊斯坦布尔
Portugal/葡萄牙 | Lisbon/里斯本 | Portuguese/葡萄牙语 | sardines/沙丁鱼 | Porto/波尔图
Poland/波兰 | Warsaw/华沙 | Polish/波兰语 | amber/琥珀 | Krakow/克拉科夫
Sweden/瑞典 | Stockholm/斯德哥尔摩 | Swedish/瑞典语 | meatballs/肉丸 | Gothenburg/哥德堡
Vietnam/越南 | Hanoi/河内 | Vietnamese/越南语 | rubber/橡胶 | Mekong/湄公河
Hungary/匈牙利 | Budapest/布达佩斯 | Hungarian/匈牙利语 | paprika/辣椒粉 | Danube/多瑙河
Finland/芬兰 | Helsinki/赫尔辛基 | Finnish/芬兰语 | saunas/桑拿 | Turku/图尔库
Denmark/丹麦 | Copenhagen/哥本哈根 | Danish/丹麦语 | fairy-tales/童话 | Jutland/日德兰
Norway/挪威 | Oslo/奥斯陆 | Norwegian/挪威语 | fjords/峡湾 | Bergen/卑尔根
Netherlands/荷兰 | Amsterdam/阿姆斯特丹 | Dutch/荷兰语 | windmills/风车 | Rotterdam/鹿特丹
Romania/罗马尼亚 | Bucharest/布加勒斯特 | Romanian/罗马尼亚语 | vampires/吸血鬼 | Carpathians/喀尔巴阡山
Iran/伊朗 | Tehran/德黑兰 | Persian/波斯语 | saffron/藏红花 | Isfahan/伊斯法罕
Mongolia/蒙古 | Ulaanbaatar/乌兰巴托 | Mongolian/蒙古语 | camels/骆驼 | Gobi/戈壁
Nepal/尼泊尔 | Kathmandu/加德满都 | Nepali/尼泊尔语 | monasteries/寺院 | Everest/珠穆朗玛峰
"""
