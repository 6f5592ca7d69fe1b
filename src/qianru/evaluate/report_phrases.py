"""The words of the report's page in both languages; the page holds both and shows one."""

from __future__ import annotations

from collections.abc import Sequence

from qianru.evaluate.report_markup import Html, escaped, tag

LANGUAGES = ("en", "zh")
_TAGS = {"en": "en", "zh": "zh-Hans"}

_PHRASES: dict[str, tuple[str, str]] = {
    "title": ("Report on embeddings", "嵌入模型报告"),
    "made": ("Made by qianru {version} on {date}.", "由 qianru {version} 于 {date} 生成。"),
    "contents": ("Contents", "目录"),
    "language": ("Language", "语言"),
    "model": ("Model", "模型"),
    "models": ("Models", "模型"),
    "glance": ("At a glance", "概览"),
    "glance_scores": (
        "First score of each test, with its 95 % interval",
        "每项测试的首要得分及其 95 % 区间",
    ),
    "how": ("What it was trained on, and how", "训练语料与方法"),
    "facts": ("Facts", "基本情况"),
    "settings": ("Settings", "设置"),
    "settings_note": ("Every setting that is recorded.", "所有记录在案的设置。"),
    "setting": ("Setting", "设置"),
    "differs": ("differs between the models.", "各模型不同。"),
    "not_recorded": ("not recorded", "未记录"),
    "kind": ("Method", "方法"),
    "n_words": ("Words", "词数"),
    "n_tokens_known": ("Tokens in the vocabulary", "词表词元数"),
    "dim": ("Numbers in a vector", "向量维数"),
    "layers": ("Layers", "层数"),
    "heads": ("Attention heads a layer", "每层注意力头数"),
    "window": ("Tokens read at once, at most", "一次最多读入词元"),
    "parameters": ("Numbers in the weights", "参数量"),
    "text_bytes": ("Text read", "读入文本"),
    "text_words": ("Words of text", "文本词数"),
    "text_tokens": ("Tokens of text", "文本词元数"),
    "words_counted": ("Words counted", "计数总和"),
    "epochs": ("Passes over the text", "训练轮数"),
    "steps": ("Steps of training", "训练步数"),
    "of_steps": ("{done} of {n}", "{done} / {n}"),
    "batch": ("A step", "每步"),
    "batch_of": ("{n} sequences of {length}", "{n} 条，每条 {length} 个词元"),
    "processes": ("Processes", "进程数"),
    "seed": ("Seed", "随机种子"),
    "threads": ("Threads", "线程数"),
    "fingerprint": ("Fingerprint", "指纹"),
    "corpus_fingerprint": ("Fingerprint of the text", "语料指纹"),
    "loss": ("Loss of each epoch", "每轮损失"),
    "loss_note": (
        "Losses of different methods or settings measure different things: compare them within one chart only.",
        "不同方法或设置的损失含义不同，只能在同一图内比较。",
    ),
    "loss_none": ("No losses are recorded in: {names}.", "以下模型没有损失记录：{names}。"),
    "epoch": ("epoch", "轮"),
    "step": ("step", "步"),
    "at_step": ("Step", "步"),
    "tokens_seen": ("Tokens seen", "已见词元"),
    "held_out": (
        "Loss on what was held out, in nats a token; dashed: on what was trained on.",
        "留出文本上的损失，单位为每词元奈特；虚线为训练文本上的损失。",
    ),
    "last_look": ("The last look at what was held out", "最后一次在留出文本上的结果"),
    "held_out_loss": ("Held out", "留出损失"),
    "train_loss": ("Trained on", "训练损失"),
    "perplexity": ("Perplexity", "困惑度"),
    "guessed": ("Guessed right", "猜中率"),
    "tests": ("Tests", "测试"),
    "tests_note": (
        "An interval speaks of the items of the test, not of other training runs. The dashed tick is what one-hot vectors, "
        "which know nothing, would get. “Known” counts the items whose words are all in the model; of tests on texts, those with a token in each text.",
        "区间反映测试条目的抽样波动，不反映重新训练的波动。虚线刻度是一无所知的独热向量的得分。“已知”指所有词都在模型中的条目；就文本测试而言，指每段文本都有词元的条目。",
    ),
    "no_tests": (
        "No test set was given, or none whose words are known.",
        "未提供测试集，或测试集的词都不在模型中。",
    ),
    "score": ("Score", "得分项"),
    "value": ("Value", "得分"),
    "interval": ("95 % interval", "95 % 区间"),
    "one_hot": ("One-hot", "独热"),
    "chance": ("By chance", "随机水平"),
    "items": ("Items", "条目"),
    "known": ("Known", "已知"),
    "scale": ("{low} to {high}", "{low} 至 {high}"),
    "notes": ("Notes", "说明"),
    "skipped": ("Tests that could not be run", "未能进行的测试"),
    "reason": ("Reason", "原因"),
    "test": ("Test", "测试"),
    "compared": ("Models compared item by item", "逐条比较模型"),
    "compared_note": (
        "Over the items that both models are scored on. p is corrected for the number of comparisons in this table (Holm 1979); "
        "“no difference shown” does not mean that there is none.",
        "仅就两个模型都有得分的条目比较。p 值已按本表的比较次数校正（Holm 1979）；“未显示差异”不等于没有差异。",
    ),
    "not_compared": (
        "Words in context are not compared between contextual and static models: what one vector a word gets is the zero line.",
        "语境词义不在语境模型与静态模型之间比较：一词一向量的得分就是零线。",
    ),
    "difference": ("Difference", "差"),
    "p": ("p", "p"),
    "p_holm": ("p (Holm)", "p（Holm）"),
    "verdict": ("Verdict", "结论"),
    "a is better": ("{a} is better", "{a} 更好"),
    "b is better": ("{b} is better", "{b} 更好"),
    "no difference shown": ("no difference shown", "未显示差异"),
    "against": ("{a} against {b}", "{a} 对 {b}"),
    "coverage": ("Coverage", "覆盖率"),
    "coverage_note": (
        "Share of the items of each test set whose words are all known.",
        "各测试集中所有词都在模型中的条目所占比例。",
    ),
    "dataset": ("Test set", "测试集"),
    "neighbours": ("Nearest words", "近邻词"),
    "neighbours_note": ("With the cosine to each, best first.", "附余弦相似度，由近及远。"),
    "neighbours_of": ("Nearest words of {name}", "{name} 的近邻词"),
    "word": ("Word", "词"),
    "unknown_word": ("not in the vocabulary", "不在词表中"),
    "by_ngrams": ("by its n-grams", "由 n 元组得出"),
    "close": ("close spellings: {words}", "相近拼写：{words}"),
    "map": ("Map", "词图"),
    "map_pca": (
        "{name}: {n} words on their first two principal components, which hold {share} of the variance of these words. "
        "Words far apart here are far apart; words that meet here may differ in the other directions.",
        "{name}：{n} 个词在前两个主成分上的投影，占这些词总方差的 {share}。图上相距远的词确实不同；图上重合的词可能在其他方向上不同。",
    ),
    "map_tsne": (
        "{name}: {n} words by t-SNE, which keeps near words near; distances between groups and sizes of groups mean nothing.",
        "{name}：{n} 个词的 t-SNE 图，相近的词仍相近；组与组之间的距离和组的大小没有意义。",
    ),
    "map_categories": ("Words of the categories of {dataset}.", "{dataset} 的各类别词。"),
    "map_words": ("The chosen words, each with its nearest.", "所选词及其近邻。"),
    "map_skipped": ("no map: {reason}", "无图：{reason}"),
    "analogies": ("Analogies as arrows", "类比箭头图"),
    "analogies_note": (
        "Pairs of words in one relation, on the first two principal components of these words. Where the relation is a direction, "
        "arrows are parallel. The first sections of each set of questions, not the best ones.",
        "同一关系的词对，画在这些词的前两个主成分上。若关系是一个方向，箭头便平行。所示为各题集的前几节，而非最好的几节。",
    ),
    "asked": ("The first known question of each section", "各节第一道已知的题"),
    "question": ("Question", "题目"),
    "answer": ("Answer", "答案"),
    "section": ("Section", "节"),
    "senses": ("Senses", "词义"),
    "senses_note": (
        "The uses of a word in a text, in clusters of what is alike.",
        "把一个词在文本中的用例按相似程度聚类。",
    ),
    "senses_of": (
        "{word}: {n} uses in {k} clusters",
        "{word}：{n} 处用例，{k} 类",
    ),
    "silhouette": ("silhouette {value}", "轮廓系数 {value}"),
    "one_sided": ("one-sided p {p} of a random division", "随机划分的单侧 p 值 {p}"),
    "not_paired": (
        "{tests}: no single items that could be paired; compare values and intervals.",
        "{tests}：没有可逐项配对的条目，请比较得分与区间。",
    ),
    "by_section": ("By section, without the question’s words", "各节得分，不含题目词"),
    "by_chance": ("{value} in a cloud without groups", "无分组的点云为 {value}"),
    "sense": ("Sense", "词义"),
    "share": ("Share", "占比"),
    "typical": ("Typical words", "典型词"),
    "examples": ("Examples", "例句"),
    "senses_model": ("by {name}", "所用模型：{name}"),
    "senses_other": (
        "by another model than those of this page, fingerprint {mark}",
        "所用模型不在本页之列，指纹为 {mark}",
    ),
    "fertility": ("Tokenizer", "分词"),
    "fertility_note": (
        "Tokens that the model's tokenizer makes of the given text. For word vectors the unknown share is what they do not cover.",
        "模型的分词器把所给文本切成的词元。对词向量而言，未知比例就是未覆盖的比例。",
    ),
    "script": ("Script", "文字"),
    "all": ("all", "全部"),
    "tokens_a_word": ("Tokens a word", "每词词元数"),
    "characters_a_token": ("Characters a token", "每词元字符数"),
    "unknown_share": ("Unknown", "未知"),
    "byte_share": ("Bytes of characters", "字节回退"),
    "n_tokens": ("Tokens", "词元数"),
    "speed": ("Speed and size", "速度与大小"),
    "speed_note": (
        "Measured while this page was made, with {threads} threads: a figure for comparison within this page.",
        "生成本页时以 {threads} 个线程测得，仅供页内比较。",
    ),
    "on_disk": ("On disk", "磁盘占用"),
    "in_memory": ("Numbers in memory, float32", "参数占用内存（float32）"),
    "as_one_hot": ("As one-hot matrix", "独热矩阵"),
    "open_ms": ("Opened in", "打开用时"),
    "query_ms": ("Ten nearest of one word", "查一个词的十个近邻"),
    "batch_rate": ("… in batches of {n}", "……每批 {n} 词"),
    "a_second": ("{n} words/s", "{n} 词/秒"),
    "text_ms": ("One text encoded", "编码一段文本"),
    "text_rate": ("… {n} texts at once", "……一次 {n} 段"),
    "texts_a_second": ("{n} texts/s", "{n} 段/秒"),
    "missing": ("What is not on this page", "本页没有的内容"),
    "missing_note": (
        "Parts that a report can have, and why they are not here.",
        "报告可有而此处没有的部分及其原因。",
    ),
    "part": ("Part", "部分"),
    "no_single_words": (
        "a contextual model gives a word a vector only where it stands in a text",
        "语境模型只为文本中的词给出向量，没有单个词的向量",
    ),
    "no_sets": (
        "no test set that suits it was given: words for static models; sentence pairs, uses and senses for all (--data)",
        "未提供适用的测试集：静态模型用词的测试集；句对、用例与词义的测试集适用于所有模型（--data）",
    ),
    "no_neighbours": (
        "no word was chosen, and none stood out (--words)",
        "未选词，也没有可默认选用的词（--words）",
    ),
    "no_map": ("fewer than eight words to show are known", "可显示的已知词不足八个"),
    "no_analogies": (
        "no questions are among the test sets, or fewer than three pairs of each section are known",
        "测试集中没有类比题，或每节已知的词对不足三个",
    ),
    "no_senses": (
        "none were given (--senses FILE), and contextual models had no words and text to find them in (--words with --text)",
        "未提供词义文件（--senses），也没有供语境模型聚类的词与文本（--words 与 --text）",
    ),
    "no_senses_of": (
        "{words}: no text was given to find uses in (--text), or too few uses stand in it",
        "{words}：未提供查找用例的文本（--text），或文本中的用例太少",
    ),
    "no_text": ("no text was given to count tokens on (--text)", "未提供用于统计词元的文本（--text）"),
    "no_tokens": ("no tokenizer with a vocabulary belongs to it", "没有附带词表的分词器"),
    "text_speed": ("Speed on texts", "文本编码速度"),
    "no_texts": (
        "no text was given to measure on (--text, --data)",
        "未提供用于测速的文本（--text、--data）",
    ),
    "not_opened": ("the time to open it was not measured", "未测打开用时"),
    "no_place": ("where it lies was not told", "未告知模型所在位置"),
    "policies": ("How it was measured", "测量方式"),
    "policies_note": (
        "Case of the tests’ words: {case}. Items with unknown words: {unknown}. Words that exist: the first {n}.",
        "测试词的大小写：{case}。含未知词的条目：{unknown}。词表限于前 {n} 词。",
    ),
    "policies_texts": (
        "Tests on texts take them as they are: nothing is left out, and a text without a known token counts as a cosine of 0.",
        "文本测试按原文进行：不略去任何条目，没有已知词元的文本余弦计为 0。",
    ),
    "policies_seed": (
        "Seed {seed}, {n_bootstrap} resamples for intervals (percentile bootstrap).",
        "种子 {seed}，区间用 {n_bootstrap} 次自助重抽样（百分位法）。",
    ),
    "all_words": ("all", "全部"),
}

# Of tests and scores, as the results have them. Apart from the phrases: a test set may have any name, "close" too.
_NAMES: dict[str, tuple[str, str]] = {
    "similarity": ("Similarity", "词语相似度"),
    "analogy": ("Analogy", "类比"),
    "offsets": ("Offsets", "关系方向"),
    "odd one out": ("Odd one out", "找异类"),
    "categorisation": ("Categorisation", "归类"),
    "associations": ("Associations", "联想偏向"),
    "translation": ("Translation", "翻译"),
    "words in context": ("Words in context", "语境词义"),
    "sentence similarity": ("Sentence similarity", "句子相似度"),
    "word senses": ("Word senses", "词义辨别"),
    "geometry": ("Geometry", "空间形状"),
    "stability": ("Stability", "稳定性"),
    "the model itself": ("the model itself", "模型本身"),
    "neighbours shared": ("neighbours shared", "共有近邻"),
    "3CosAdd semantic": ("3CosAdd semantic", "3CosAdd 语义"),
    "3CosAdd syntactic": ("3CosAdd syntactic", "3CosAdd 语法"),
    "3CosAdd with question words": ("3CosAdd with question words", "3CosAdd 含题目词"),
    "3CosMul semantic": ("3CosMul semantic", "3CosMul 语义"),
    "3CosMul syntactic": ("3CosMul syntactic", "3CosMul 语法"),
    "3CosMul with question words": ("3CosMul with question words", "3CosMul 含题目词"),
    "consistency gain": ("consistency gain", "一致性增益"),
    "pairing consistency": ("pairing consistency", "配对一致性"),
    "nearer": ("nearer", "更近者"),
    "csls at 1": ("CSLS at 1", "CSLS 前 1"),
    "csls at 5": ("CSLS at 5", "CSLS 前 5"),
    "cosine at 1": ("cosine at 1", "余弦前 1"),
    "cosine at 5": ("cosine at 5", "余弦前 5"),
    "hubness": ("hubness", "枢纽度"),
    "share never near": ("share never near", "从不为近邻之比例"),
    "isotropy": ("isotropy", "各向同性"),
    "mean cosine": ("mean cosine", "平均余弦"),
    "top component": ("top component", "最强方向占比"),
    "spearman": ("Spearman’s correlation", "斯皮尔曼相关"),
    "pearson": ("Pearson’s correlation", "皮尔逊相关"),
    "accuracy": ("accuracy", "正确率"),
    "macro F1": ("macro F1", "宏平均 F1"),
    "purity": ("purity", "纯度"),
}


def plain(key: str, language: str, **values: object) -> str:
    """The phrase in one language, with what stands in braces filled in; not escaped."""
    return _PHRASES[key][LANGUAGES.index(language)].format(**values)


def phrase(key: str, *, element: str = "span", **values: object) -> Html:
    """The phrase in both languages, each in an element of its own; values that are no markup are escaped.

    element: "tspan" inside the text of an SVG.
    """
    shown = {
        name: value if isinstance(value, Html) else escaped(str(value)) for name, value in values.items()
    }
    return _in_both([Html(escaped(text).format(**shown)) for text in _PHRASES[key]], element)


def _in_both(texts: Sequence[Html], element: str = "span") -> Html:
    return Html(
        "".join(
            tag(element, text, lang=_TAGS[language], class_=language)
            for language, text in zip(LANGUAGES, texts, strict=True)
        )
    )


def name_of(text: str) -> Html:
    """The name of a test or score in both languages where they have one, else as it is. Not for names of test sets."""
    return _in_both([escaped(one) for one in _NAMES[text]]) if text in _NAMES else escaped(text)


def set_name(text: str) -> Html:
    """The name of a test set, or of the model where a test has none."""
    return name_of(text) if text == "the model itself" else escaped(text)


def score_name(test: str, metric: str) -> Html:
    """The name of a test's score; those of associations are their file's."""
    return escaped(metric) if test == "associations" else name_of(metric)
