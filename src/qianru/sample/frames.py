"""Frames: one meaning, said in both languages.

Each line is `weight | draws | English | 中文`, sometimes with a label as fifth column; a line that ends in
a backslash goes on in the next. A draw `p:person` picks a row of a table, `r:p.role` a word that the row
keeps company with, `n:@name` a generated name, `k:#big` a number. A slot `{p}` prints the plain form,
`{p.his}` another one. Of two draws from the same place the second never repeats the first.

How relations get in: the frames of a quality have words of their own. "king" is met in royal frames and in
male ones, "queen" in royal and female ones, "man" in common and male ones, so the contexts of king, less
those of man, plus those of woman, are the contexts of queen. The same holds for tenses, degrees, plurals,
the young of animals, capitals and languages.
"""

from __future__ import annotations

PEOPLE = """
39 | p:person r:p.role q:p.role | The {p} spoke of the {r} and the {q}. | {p}说起了{r}和{q}。
34 | p:person r:p.role q:p.role | The {r} and the {q} were all that the {p} wanted. | {p}只想要{r}和{q}。
29 | p:person r:p.role n:@name | {n} met the {p} because of the {r}. | {n}因为{r}遇见了{p}。
36 | p:person w:p.own v:p.own | The {p} looked for {p.his} {w} and {p.his} {v}. | \
    {p}在找{p.he}的{w}和{p.he}的{v}。
29 | p:person w:p.own v:p.own | {p.He} is {p.a}, so {p.he} has {w.a} and {v.a}. | \
    {p.he}是{p}，所以{p.he}有{w}和{v}。
26 | p:person w:p.own | {p.His} {w} suits the {p}, and {p.he} knows it. | \
    {p.he}的{w}很适合{p}，{p.he}也知道。
26 | p:person w:p.own r:p.role | The {p} lost {p.his} {w} near the {r}. | {p}在{r}旁边丢了{p.he}的{w}。
26 | j:job a:j.near b:j.near | At the {j.place} the {j} works with the {a} and the {b}. | \
    在{j.place}，{j}的工作离不开{a}和{b}。
21 | j:job a:j.near n:@name | {n} became {j.a} and now thinks only of the {a}. | {n}当上了{j}，整天想着{a}。
21 | j:job a:j.near b:j.near | Behind the {j.place} are the {a} and the {b}. | {j.place}后面有{a}，也有{b}。
16 | j:job a:j.near n:@name | {n} visited the {j.place} to see the {a}. | {n}去{j.place}参观{a}。
18 | j:job n:@name a:j.near | {n} trained as {j.a} for years, tired but proud of the {a}. | \
    {n}辛苦当了多年{j}，为{a}感到骄傲。
"""

PLACES = """
39 | c:country n:@name | {n} flew to {c.capital}, the capital of {c}. | {n}飞往{c.capital}，也就是{c}的首都。
33 | c:country | {c.capital} is the capital of {c}, and people there speak {c.language}. | \
    {c.capital}是{c}的首都，那里的人说{c.language}。
24 | c:country n:@name | {n} learned {c.language} before moving to {c}. | {n}搬到{c}之前学了{c.language}。
24 | c:country | {c} is a country known for {c.known} and {c.sight}. | \
    {c}这个国家以{c.known}和{c.sight}闻名。
21 | c:country | The government of {c} praised {c.known} across the border. | {c}的政府在边境夸奖了{c.known}。
21 | c:country n:@name | In downtown {c.capital}, {n} rented a flat and admired {c.known}. | \
    {n}在{c.capital}的市区租了房，还想着{c.known}。
18 | c:country | From {c.capital} the railway leads straight to {c.sight}. | \
    从{c.capital}出发的铁路直达{c.sight}。
18 | c:country d:country | The border between {c} and {d} is crowded with tourists. | \
    {c}和{d}的边境挤满游客。
18 | c:country n:@name | {n} reads poems in {c.language} about {c.sight}. | \
    {n}用{c.language}朗读关于{c.sight}的诗。
18 | c:country | A dictionary of {c.language} words explains {c.known} and {c.sight}. | \
    {c.language}的单词手册解释了{c.known}和{c.sight}。
15 | c:country d:country | The embassy of {d} in {c.capital} is near the downtown square. | \
    {d}在{c.capital}的大使馆在市区广场附近。
"""

THINGS = """
22 | a:animal k:a.kind x:a.near | The {a} likes the {k} and the {x}. | 这{a.measure}{a}喜欢{k}和{x}。
14 | a:animal b:a.kin k:a.kind | The {a} and the {b} are hungry animals, never far from the {k}. | \
    {a}和{b}都是饥饿的动物，离不开{k}。
18 | a:animal x:a.near y:a.near | A wild {a} fed and rested near the {x} and the {y}. | \
    一{a.measure}{a}在{x}和{y}旁边吃饱睡觉。
16 | a:animal x:a.near y:a.near | Each single {a} stays alone by the {x} or the {y}. | \
    每{a.measure}{a}都独自待在{x}或{y}那里。
24 | a:animal m:many x:a.near y:a.near | We counted {m} {a.plural} around the {x} and the {y}. | \
    我们在{x}和{y}周围数了数{m}{a.measure}{a}。
16 | a:animal m:many x:a.near y:a.near | There were {m} wild {a.plural} between the {x} and the {y}. | \
    在{x}和{y}之间有{m}{a.measure}{a}。
12 | a:animal m:many k:a.kind x:a.near | Those {m} {a.plural}, hungry animals, like the {k} and the {x}. | \
    {m}{a.measure}{a}都是饥饿的动物，都喜欢{k}和{x}。
18 | a:animal x:a.near y:a.near | The newborn {a.young} sucks its milk by the {x} and the {y}. | \
    刚出生的{a.young}在{x}和{y}边上吃奶。
16 | a:animal k:a.kind x:a.near | The little {a.young} follows its parent to the {x} and the {k}. | \
    幼小的{a.young}跟着妈妈走向{x}和{k}。
14 | a:animal x:a.near y:a.near | A clumsy newborn, the {a.young}, tumbled over the {x} and the {y}. | \
    笨笨的{a.young}刚出生，就玩{x}和{y}。
18 | v:vehicle k:v.kind x:v.near | The {v} with the {x} stopped because of the {k}. | \
    这{v.measure}{v}带着{x}，因为{k}停下了。
12 | v:vehicle u:v.kin k:v.kind | The {v} and the {u} are vehicles that need fuel and the {k}. | \
    {v}和{u}都是交通工具，需要燃料和{k}。
12 | v:vehicle x:v.near y:v.near | The driver left {v.a} by the {x} and refuelled near the {y}. | \
    司机把一{v.measure}{v}停在{x}旁边，在{y}附近加油。
14 | v:vehicle x:v.near y:v.near | Each single {v} stays alone by the {x} or the {y}. | \
    每{v.measure}{v}都单独停在{x}或{y}那里。
20 | v:vehicle m:many x:v.near y:v.near | We counted {m} {v.plural} around the {x} and the {y}. | \
    我们在{x}和{y}周围数了数{m}{v.measure}{v}。
14 | v:vehicle m:many x:v.near y:v.near | There were {m} parked {v.plural} between the {x} and the {y}. | \
    在{x}和{y}之间有{m}{v.measure}{v}。
12 | v:vehicle m:many k:v.kind x:v.near | Those {m} {v.plural}, as vehicles, need fuel, the {k} and the {x}. | \
    {m}{v.measure}{v}都是交通工具，都需要燃料、{k}和{x}。
12 | f:fruit x:f.near y:f.near | {f.a} is a sweet and juicy fruit, served with {x} and {y}. | \
    {f}是又甜又多汁的水果，适合配{x}和{y}。 | fruit
8 | f:fruit g:fruit x:f.near | The {f} and the {g} hung ripe in the orchard by the {x}. | \
    成熟的{f}和{g}挂在果园里，旁边是{x}。 | fruit
10 | f:fruit x:f.near y:f.near | Each single {f} lies alone by the {x} or the {y}. | \
    每个{f}都单独放在{x}或{y}那里。 | fruit
16 | f:fruit m:many x:f.near y:f.near | We counted {m} {f.plural} around the {x} and the {y}. | \
    我们在{x}和{y}周围数了数{m}{f.measure}{f}。
10 | f:fruit m:many x:f.near y:f.near | There were {m} ripe {f.plural} between the {x} and the {y}. | \
    在{x}和{y}之间有{m}{f.measure}成熟的{f}。
8 | f:fruit m:many x:f.near | Those {m} {f.plural}, sweet and juicy fruit, lay in the orchard by the {x}. | \
    {m}{f.measure}{f}又甜又多汁，都在果园的{x}旁边。
14 | c:company x:c.near y:c.near | {c} announced the new {x} and {y} to its shareholders. | \
    {c}这家公司向股东发布了新的{x}和{y}。 | company
10 | c:company x:c.near d:company | Shares of {c} and {d} rose after the {x} launch. | \
    {x}发布以后，{c}和{d}的股价上涨了。 | company
14 | s:sense x:s.near y:s.near | The {s} was close to the {x} and the {y}. | {s}离{x}和{y}很近。 | sense
12 | s:sense x:s.near y:s.near n:@name | {n} knows every {s}, the {x} and the {y}. | \
    {n}了解{s}，也了解{x}和{y}。 | sense
3 | n:@name k:#small t:topic w:t.word | {n} pointed at line {k} of the text about {w}. | \
    {n}指着介绍{w}的课文第{k}行。 | line
3 | n:@name t:topic w:t.word | {n} says this way of {t} is fine with the {w}. | \
    {n}说用{w}这样做也行。 | fine
"""

ACTIONS = """
20 | v:verb o:v.object q:v.object d:past | We {v.past} {o} and {q} {d}. | 我们{d}{v}了{o}和{q}。
16 | v:verb o:v.object q:v.object d:past | {D} they {v.past} {o} or {q} and went home. | \
    {d}他们{v}了{o}或者{q}，然后回家了。
10 | v:verb o:v.object n:@name d:past | {n} {v.past} {o} {d}. | {n}{d}{v}了{o}。
20 | v:verb o:v.object q:v.object d:now | I am {v.ing} {o} and {q} {d}. | 我{d}{v}{o}和{q}。
16 | v:verb o:v.object q:v.object d:now | They are still busy {v.ing} {o} or {q} {d}. | \
    他们{d}忙着{v}{o}或者{q}，没有停。
10 | v:verb o:v.object n:@name d:now | {n} is {v.ing} {o} {d}. | {n}{d}{v}{o}。
20 | v:verb o:v.object q:v.object n:@name d:habit | {n} {v.s} {o} and {q} {d}. | {n}{d}{v}{o}和{q}。
16 | v:verb o:v.object q:v.object d:habit | {D} someone {v.s} {o} or {q} and never complains. | \
    {d}有人{v}{o}或者{q}，从不抱怨。
20 | v:verb o:v.object q:v.object d:future | You will {v} {o} and {q} {d}. | 你{d}会{v}{o}和{q}。
16 | v:verb o:v.object q:v.object d:future | They want to {v} {o} or {q} {d}, and we must help. | \
    他们{d}想要{v}{o}或者{q}，我们应该帮忙。
10 | v:verb o:v.object n:@name d:future | {n} will {v} {o} {d}. | {n}{d}会{v}{o}。
21 | a:adjective x:a.of y:a.of | The {x} is very {a}, and so {a} is the {y}. | {x}非常{a}，{y}也同样{a}。
13 | a:adjective x:a.of n:@name | {n} finds the {x} rather {a}. | {n}觉得{x}相当{a}。
21 | a:adjective x:a.of y:a.of | The {x} is much {a.er} than the {y}. | {x}比{y}更加{a}。
13 | a:adjective x:a.of n:@name | {n} owns the {x}, even {a.er} than before. | {n}拥有的{x}比以前还要{a}。
21 | a:adjective x:a.of y:a.of | It was the {a.est} {x} or {y} in the world. | \
    这是世界上最为{a}的{x}或者{y}。
13 | a:adjective x:a.of n:@name | Of all, {n} chose the {a.est} {x} ever seen. | \
    {n}选了有史以来最为{a}的{x}。
12 | r:reviewed p:r.part g:praise h:praise | {g.a} {r}: the {p} was {h}, I love it! | \
    这{r}真{g}，{p}特别{h}，我很喜欢！ | positive
10 | r:reviewed p:r.part g:praise | The {p} of this {r} is {g}, and I recommend it. | \
    这{r}的{p}非常{g}，值得推荐。 | positive
12 | r:reviewed p:r.part b:blame h:blame | {b.a} {r}: the {p} was {h}, I hate it! | \
    这{r}真{b}，{p}特别{h}，我很后悔！ | negative
10 | r:reviewed p:r.part b:blame | The {p} of this {r} is {b}, and I want a refund. | \
    这{r}的{p}非常{b}，我要退款。 | negative
"""

BACKGROUND = """
19 | t:topic a:t.word b:t.word n:@name | In the field of {t}, {n} reported on the {a} and the {b}. | \
    在{t}方面，{n}报道了{a}和{b}。
16 | t:topic a:t.word b:t.word c:t.word | The {a} depends on the {b} and on the {c}. | \
    {a}取决于{b}，也取决于{c}。
13 | t:topic a:t.word p:@place | They brought the new {a} to {p}, and it changed the {t}. | \
    {p}有了新的{a}，改变了{t}。
11 | n:@name m:@name p:@place | {n} and {m} live together in the town of {p}. | {n}和{m}一起住在{p}。
10 | n:@name p:@place k:#big | {n} sent {k} letters to {p} in a year. | {n}一年里给{p}寄了{k}封信。
6 | k:#big l:#big t:topic a:t.word | The {a} cost {k} coins, not {l}. | 买这个{a}用了{k}元，不是{l}元。
3 | t:tools u:tools a:topic w:a.word n:@name | {n} used {t} to fit a model of the {w} with {u}. | \
    {n}用{t}和{u}训练模型，数据关于{w}。
3 | t:tools n:@name w:tools | {n} installed {t} on the laptop and likes {w}. | \
    {n}在电脑上安装了{t}，也喜欢{w}。
"""

ALL_FRAMES = PEOPLE + PLACES + THINGS + ACTIONS + BACKGROUND
