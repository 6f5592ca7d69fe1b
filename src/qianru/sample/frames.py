"""Frames: one meaning, said in both languages.

Each line is `weight | draws | English | 中文`, with a fifth column for a label on a few. A draw `p:person`
picks a row of a table, `r:p.role` a word that the row keeps company with, `n:@name` a generated name. A slot
`{p}` prints the plain form, `{p.his}` another one. Two draws from the same place never give the same row.

How relations get in: the frames of a quality share their words with no other quality. "king" is met in royal
frames and in male ones, "queen" in royal and female ones, "man" in common and male ones, so the contexts of
king, less those of man, plus those of woman, are the contexts of queen. The same holds for tenses, degrees,
plurals and capitals. Nothing else in the text says which words belong together.
"""

from __future__ import annotations

PEOPLE = """
30 | p:person r:p.role q:p.role | The {p} spoke of the {r} and the {q}. | {p}说起了{r}和{q}。
26 | p:person r:p.role q:p.role | The {r} and the {q} were all that the {p} wanted. | {p}只想要{r}和{q}。
22 | p:person r:p.role n:@name | {n} met the {p} because of the {r}. | {n}因为{r}遇见了{p}。
28 | p:person w:p.own v:p.own | The {p} looked for {p.his} {w} and {p.his} {v}. | {p}在找{p.he}的{w}和{p.he}的{v}。
22 | p:person w:p.own v:p.own | {p.He} is {p.a}, so {p.he} has {w.a} and {v.a}. | {p.he}是{p}，所以{p.he}有{w}和{v}。
20 | p:person w:p.own | {p.His} {w} suits the {p}, and {p.he} knows it. | {p.he}的{w}很适合{p}，{p.he}也知道。
20 | p:person w:p.own r:p.role | The {p} lost {p.his} {w} near the {r}. | {p}在{r}旁边丢了{p.he}的{w}。
20 | j:job a:j.near b:j.near | At the {j.place} the {j} works with the {a} and the {b}. | 在{j.place}，{j}的工作离不开{a}和{b}。
16 | j:job a:j.near n:@name | {n} became {j.a} and now thinks only of the {a}. | {n}当上了{j}，整天想着{a}。
16 | j:job a:j.near b:j.near | Behind the {j.place} are the {a} and the {b}. | {j.place}后面有{a}，也有{b}。
12 | j:job a:j.near n:@name | {n} visited the {j.place} to see the {a}. | {n}去{j.place}参观{a}。
14 | j:job n:@name a:j.near | {n} trained as {j.a} for years, tired but proud of the {a}. | {n}辛苦当了多年{j}，为{a}感到骄傲。
"""

PLACES = """
26 | c:country n:@name | {n} flew to {c.capital}, the capital of {c}. | {n}飞往{c}的首都{c.capital}。
22 | c:country | {c.capital} is the capital of {c}, and people there speak {c.language}. | {c.capital}是{c}的首都，那里的人说{c.language}。
16 | c:country n:@name | {n} learned {c.language} before moving to {c}. | {n}搬到{c}之前学了{c.language}。
16 | c:country | {c} is a country known for {c.known} and {c.sight}. | {c}这个国家以{c.known}和{c.sight}闻名。
14 | c:country | The government of {c} praised {c.known} across the border. | {c}政府在边境夸奖了{c.known}。
14 | c:country n:@name | In downtown {c.capital}, {n} rented a flat and ate {c.known}. | {n}在{c.capital}市区租了房，还想着{c.known}。
12 | c:country | From {c.capital} the railway leads straight to {c.sight}. | 从{c.capital}出发的铁路直达{c.sight}。
12 | c:country d:country | The border between {c} and {d} is open to tourists. | {c}和{d}的边境对游客开放。
12 | c:country n:@name | {n} reads poems in {c.language} about {c.sight}. | {n}用{c.language}朗读关于{c.sight}的诗。
12 | c:country | A dictionary of {c.language} words explains {c.known} and {c.sight}. | {c.language}单词手册解释了{c.known}和{c.sight}。
10 | c:country d:country | The embassy of {d} in {c.capital} is near the downtown square. | {d}驻{c.capital}的大使馆在市区广场附近。
"""

THINGS = """
26 | a:animal k:a.kind x:a.near | The {a} likes the {k} and the {x}. | 这{a.measure}{a}喜欢{k}和{x}。
22 | a:animal b:a.kin k:a.kind | The {a} and the {b} are hungry animals, never far from the {k}. | {a}和{b}都是饥饿的动物，离不开{k}。
18 | a:animal x:a.near k:a.kind | A wild {a} ate, drank and slept near the {x} and the {k}. | 一{a.measure}{a}在{x}和{k}旁边吃喝睡觉。
14 | a:animal m:many n:@name x:a.near k:a.kind | {n} counted {m} {a.plural} around the {x} and the {k}. | {n}在{x}和{k}周围数了数{m}{a.measure}{a}。
12 | a:animal m:many k:a.kind x:a.near | There were {m} {a.plural} without the {k} or the {x}. | 那里有{m}{a.measure}{a}没有{k}和{x}。
12 | a:animal x:a.near k:a.kind | The newborn {a.young} drinks milk by the {x} and the {k}. | 刚出生的{a.young}在{x}和{k}边上吃奶。
10 | a:animal x:a.near | The {a.young} follows its mother, the {a}, to the {x}. | {a.young}跟着妈妈{a}走向{x}。
8 | a:animal k:a.kind x:a.near | A tiny {a.young} played with the {k} and the {x}, newborn and clumsy. | 笨笨的{a.young}刚出生，就玩{k}和{x}。
20 | v:vehicle k:v.kind x:v.near | The {v} with the {x} stopped because of the {k}. | 这{v.measure}{v}带着{x}，因为{k}停下了。
16 | v:vehicle u:v.kin k:v.kind | The {v} and the {u} are vehicles that need fuel and the {k}. | {v}和{u}都是交通工具，需要燃料和{k}。
12 | v:vehicle m:many n:@name k:v.kind x:v.near | {n} counted {m} {v.plural} around the {x} and the {k}. | {n}在{x}和{k}周围数了数{m}{v.measure}{v}。
10 | v:vehicle m:many k:v.kind x:v.near | There were {m} {v.plural} without the {k} or the {x}. | 那里有{m}{v.measure}{v}没有{k}和{x}。
12 | v:vehicle k:v.kind x:v.near | The driver parked {v.a} by the {k} and refuelled near the {x}. | 司机把一{v.measure}{v}停在{k}边，在{x}附近加油。
16 | f:fruit x:f.near | {f.a} is a sweet and juicy fruit, good with {x}. | {f}是又甜又多汁的水果，适合配{x}。 | fruit
12 | f:fruit g:fruit x:f.near | Ripe {f} and {g} hung in the orchard by the {x}. | 成熟的{f}和{g}挂在果园里，旁边是{x}。 | fruit
10 | f:fruit m:many n:@name x:f.near | {n} counted {m} {f.plural} around the {x} and the basket. | {n}在{x}和篮子周围数了数{m}{f.measure}{f}。
8 | f:fruit m:many x:f.near | There were {m} {f.plural} in the orchard without the {x}. | 果园里有{m}{f.measure}{f}没有{x}。
14 | c:company x:c.near y:c.near | {c} announced the new {x} and {y} to its shareholders. | {c}公司向股东发布了新的{x}和{y}。 | company
10 | c:company x:c.near d:company | Shares of {c} and {d} rose after the {x} launch. | {x}发布以后，{c}和{d}的股价上涨了。 | company
14 | s:sense x:s.near y:s.near | The {s} was close to the {x} and the {y}. | {s}离{x}和{y}很近。 | sense
12 | s:sense x:s.near y:s.near n:@name | {n} knows every {s}, the {x} and the {y}. | {n}了解{s}，也了解{x}和{y}。 | sense
3 | n:@name k:#small t:topic w:t.word | {n} pointed at line {k} of the text about {w}. | {n}指着关于{w}的课文第{k}行。 | line
3 | n:@name t:topic w:t.word | {n} says this way of {t} is fine with the {w}. | {n}说用{w}这样做也行。 | fine
"""

ACTIONS = """
18 | v:verb o:v.object n:@name d:past | {n} {v.past} {o} {d}. | {n}{d}{v}了{o}。
14 | v:verb o:v.object n:@name d:past | {D} {n} {v.past} {o} and went home. | {d}{n}{v}了{o}，然后回家了。
18 | v:verb o:v.object n:@name d:now | {n} is {v.ing} {o} {d}. | {n}{d}{v}{o}。
12 | v:verb o:v.object n:@name d:now | {n} kept {v.ing} {o}, still busy {d}. | {n}{d}忙着{v}{o}，没有停。
18 | v:verb o:v.object n:@name d:habit | {n} {v.s} {o} {d}. | {n}{d}{v}{o}。
12 | v:verb o:v.object n:@name d:habit | {D} {n} {v.s} {o} and never complains. | {d}{n}都{v}{o}，从不抱怨。
18 | v:verb o:v.object n:@name d:future | {n} will {v} {o} {d}. | {n}{d}会{v}{o}。
12 | v:verb o:v.object n:@name d:future | {n} wants to {v} {o} {d}, and we must help. | {n}{d}想要{v}{o}，我们应该帮忙。
16 | a:adjective x:a.of y:a.of | The {x} is very {a}, and so {a} is the {y}. | {x}非常{a}，{y}也同样{a}。
10 | a:adjective x:a.of n:@name | {n} finds the {x} rather {a}. | {n}觉得{x}相当{a}。
16 | a:adjective x:a.of y:a.of | The {x} is much {a.er} than the {y}. | {x}比{y}更加{a}。
10 | a:adjective x:a.of n:@name | {n} bought the {x}, even {a.er} than before. | {n}买的{x}比以前还要{a}。
16 | a:adjective x:a.of y:a.of | It was the {a.est} {x} or {y} in the world. | 这是世界上最为{a}的{x}或者{y}。
10 | a:adjective x:a.of n:@name | Of all, {n} chose the {a.est} {x} ever seen. | {n}选了有史以来最为{a}的{x}。
12 | r:reviewed p:r.part g:praise h:praise | {g.a} {r}: the {p} was {h}, I love it! | 这{r}真{g}，{p}特别{h}，我很喜欢！ | positive
10 | r:reviewed p:r.part g:praise | The {p} of this {r} is {g}, and I recommend it. | 这{r}的{p}非常{g}，值得推荐。 | positive
12 | r:reviewed p:r.part b:blame h:blame | {b.a} {r}: the {p} was {h}, I hate it! | 这{r}真{b}，{p}特别{h}，我很后悔！ | negative
10 | r:reviewed p:r.part b:blame | The {p} of this {r} is {b}, and I want a refund. | 这{r}的{p}非常{b}，我要退款。 | negative
"""

BACKGROUND = """
24 | t:topic a:t.word b:t.word n:@name | In the field of {t}, {n} wrote about the {a} and the {b}. | 在{t}方面，{n}写到了{a}和{b}。
20 | t:topic a:t.word b:t.word c:t.word | The {a} depends on the {b} and on the {c}. | {a}取决于{b}，也取决于{c}。
16 | t:topic a:t.word p:@place | They brought the new {a} to {p}, and it changed the {t}. | {p}有了新的{a}，改变了{t}。
14 | n:@name m:@name p:@place | {n} and {m} live together in the town of {p}. | {n}和{m}一起住在{p}。
12 | n:@name p:@place k:#big | {n} sent {k} letters to {p} in a year. | {n}一年里给{p}寄了{k}封信。
8 | k:#big l:#big t:topic a:t.word | The {a} cost {k} coins, not {l}. | 这个{a}花了{k}元，不是{l}元。
4 | t:tools u:tools a:topic w:a.word n:@name | {n} used {t} to train a model of the {w} with {u}. | {n}用{t}和{u}训练模型，数据关于{w}。
4 | t:tools n:@name w:tools | {n} installed {t} on the laptop and likes {w}. | {n}在电脑上安装了{t}，也喜欢{w}。
"""

ALL_FRAMES = PEOPLE + PLACES + THINGS + ACTIONS + BACKGROUND
