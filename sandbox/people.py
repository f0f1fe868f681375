"""Made-up people with names from many languages, the same for the same seed."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SamplePerson:
    """``local_part`` is the name in ASCII, fit for an email address and different for everybody of a run."""

    name: str
    local_part: str


@dataclass(frozen=True)
class Tongue:
    """Names that go together. A name that is not Latin is written ``name=ascii``."""

    share: int
    given: tuple[str, ...]
    family: tuple[str, ...]
    family_first: bool = False


def tongue(share: int, given: str, family: str, *, family_first: bool = False) -> Tongue:
    return Tongue(share, tuple(given.split()), tuple(family.split()), family_first)


TONGUES = (
    tongue(
        34,
        "Aaliyah Adam Aisha Alice Amara Andrew Anna Arthur Ben Beth Bridget Caleb Carys Charlotte Connor Daniel "
        "Darcy David Eleanor Eli Ella Emma Erin Ethan Evan Fiona Frances Gareth George Grace Hannah Harriet Harry "
        "Hugo Imogen Isaac Jack Jade James Jasmine Joel Josephine Kate Keisha Leah Liam Lucy Malcolm Marcus "
        "Martha Maya Megan Mia Nathan Niamh Noah Olive Oscar Owen Patrick Phoebe Rachel Rhys Rose Ruby Samuel "
        "Sean Siobhán Sophie Tara Theo Toby Violet William Yasmin Zara Zoë",
        "Abbott Adeyemi Allen Archer Baker Barnes Bennett Black Boateng Brown Byrne Campbell Carter Clarke Cole "
        "Cooper Davies Dixon Doyle Edwards Ellis Evans Fletcher Foster Fox Gallagher Gibson Grant Gray Green Hall "
        "Harper Hayes Hill Holmes Hughes Hunt Jackson Jenkins Jones Kelly Kennedy King Lambert Lawson Lewis Lloyd "
        "MacLeod Marsh Mason McCarthy Mensah Mills Moore Morgan Murphy Murray Nolan O’Brien O’Neill Okafor Osei "
        "Owens Palmer Parker Pearce Perry Phillips Pope Powell Price Quinn Reid Rhodes Roberts Rowe Ryan Shaw "
        "Simmons Slater Stone Sutton Taylor Thorne Turner Walsh Ward Watts Webb West Whitaker Wilde Wood Wright "
        "Young Baxter-Hale Sinclair-Moss",
    ),
    tongue(
        11,
        "Alejandro Álvaro Ana Andrés Begoña Camila Carmen Diego Elena Fernando Gabriela Héctor Inés Íñigo Javier "
        "Joaquín José Lucía María Martín Mateo Mónica Nuria Óscar Paula Raúl Rocío Santiago Sofía Valentina",
        "Aguilar Álvarez Cabrera Castro Delgado Díaz Domínguez Fernández Fuentes Gómez Gutiérrez Hernández Ibáñez "
        "Jiménez Lozano Marín Márquez Muñoz Navarro Núñez Ortega Peña Ramírez Ríos Rodríguez Sáez Sánchez Suárez "
        "Vázquez Zúñiga",
    ),
    tongue(
        9,
        "Adèle Amélie Anaïs André Aurélie Benoît Camille Céline Chloé Clément Élodie Émile Étienne François "
        "Gaëlle Hélène Jérôme Joël Léa Loïc Maëlys Margaux Noémie Océane Pierre Raphaël René Solène Théo Zoé",
        "Beaumont Bélanger Bernard Blanchard Boyer Chevalier Côté Deschamps Desrosiers Dubois Dupré Fournier "
        "Gagné Garnier Girard Lachapelle Lacroix Lefèvre Léger Marchand Mercier Moreau Noël Pelletier Perrault "
        "Prévost Rivière Rousseau Saint-Pierre Vasseur",
    ),
    tongue(
        9,
        "Anja Antje Björn Britta Dörte Elke Florian Franziska Gerd Günther Hannes Heike Ingrid Jannik Jörg Jürgen "
        "Käthe Lennart Lukas Marlene Matthias Nadja Ole Petra Ruth Sören Stefan Tobias Ulrike Wiebke",
        "Albrecht Bäcker Böhm Dietrich Ebert Faßbender Förster Frank Geißler Götz Groß Hartmann Heß Jäger Köhler "
        "Krüger Lindner Möller Müller Neumann Pfeiffer Richter Schäfer Schröder Schütz Strauß Thieme Vögel Weiß "
        "Zöllner",
    ),
    tongue(
        7,
        "Agnieszka Andrei Bartłomiej Božena Czesław Dagmar Dorota Eliška Gábor Grzegorz Ioana Jiří Kateřina "
        "Łukasz Małgorzata Matěj Mihály Milan Ondřej Radosław Ružica Ștefan Svatopluk Szymon Tomáš Vesna Wojciech "
        "Żaneta Zdeněk Zsófia",
        "Bąk Černý Dąbrowski Dvořák Georgescu Grabowska Hájek Horváth Ivanović Jabłońska Kaczmarek Kovač Kowalski "
        "Krejčí Lewandowska Marković Nagy Novák Ostrowski Pašić Popescu Růžička Šimůnek Stănescu Szabó Tóth Vukić "
        "Wiśniewski Wójcik Žižka",
    ),
    tongue(
        6,
        "Aino Anders Åse Astrid Birgit Bjarni Einar Elín Freja Guðrún Håkon Ida Ingeborg Jón Kåre Lærke Linnéa "
        "Magnús Maja Mattias Mette Nils Øyvind Päivi Ragnhild Sigrún Søren Tuomas Väinö Þóra",
        "Åberg Andersen Ängström Bergström Bjørnsson Dahl Eklund Einarsdóttir Falk Grønvold Hämäläinen Holm "
        "Jónsson Kjær Koskinen Lindqvist Lund Mäkinen Nygård Nyström Ødegård Øverland Pálsdóttir Rasmussen "
        "Sjöberg Sørensen Strand Thorvald Virtanen Wåhlin",
    ),
    tongue(
        5,
        "Adebayo Amina Babajide Chiamaka Chinedu Fatou Folasade Ifeoma Jelani Kwame Lerato Makena Naledi Ngozi "
        "Nomvula Olúwaseun Sipho Tendai Thandiwe Wanjiru",
        "Abiodun Achebe Adébáyò Balogun Chukwu Diallo Dlamini Eze Kamau Khumalo Mbeki Moyo Mutai Ndiaye Nkosi "
        "Ochieng Okonkwo Sesay Traoré Zulu",
    ),
    tongue(
        5,
        "Aarav Aditi Ananya Arjun Deepa Divya Farah Gurpreet Harsh Imran Ishaan Jaya Kavya Kiran Lakshmi Manoj "
        "Meera Nadia Neha Nikhil Pooja Priya Rahul Rajesh Ravi Rohan Sana Shreya Sunil Vikram",
        "Ahmed Bhatt Chatterjee Chaudhry Das Desai Gill Gupta Iyer Jain Joshi Kapoor Khan Kulkarni Malhotra Mehta "
        "Menon Mukherjee Nair Pandey Patel Pillai Qureshi Rao Reddy Sandhu Shah Sharma Singh Verma",
    ),
    tongue(
        3,
        "Ayşe Barış Cem Çağla Defne Emre Gökçe İlayda Kaan Mert Nilüfer Oğuz Özge Şebnem Tuğba Ümit Yağmur Zeynep",
        "Akın Aydın Çelik Demir Doğan Erdoğdu Güneş Işık Karagöz Öztürk Polat Şahin Şimşek Taş Ünal Yıldız Yılmaz "
        "Kılıç",
    ),
    tongue(
        3,
        "An Bảo Châu Dũng Đức Giang Hạnh Hiếu Hương Khánh Linh Long Mai Minh Ngọc Phúc Quỳnh Thảo Trang Tuấn",
        "Bùi Đặng Đỗ Dương Hồ Hoàng Huỳnh Lê Lý Mai Ngô Nguyễn Phạm Phan Tạ Trần Trịnh Võ Vũ Vương",
        family_first=True,
    ),
    tongue(
        2,
        "Алексей=alexey Анна=anna Борис=boris Вера=vera Дмитрий=dmitry Екатерина=ekaterina Жанна=zhanna "
        "Игорь=igor Оксана=oksana Павло=pavlo Светлана=svetlana Юлія=yuliia",
        "Бондаренко=bondarenko Волков=volkov Громов=gromov Ковальчук=kovalchuk Лебедь=lebed Мельник=melnyk "
        "Орлов=orlov Соколенко=sokolenko Ткаченко=tkachenko Фёдоров=fyodorov Шевчук=shevchuk Яременко=yaremenko",
    ),
    tongue(
        1,
        "Αλέξανδρος=alexandros Βασιλική=vasiliki Γιώργος=giorgos Δήμητρα=dimitra Ελένη=eleni Κώστας=kostas "
        "Νίκος=nikos Σοφία=sofia",
        "Αγγελίδης=angelidis Δημητρίου=dimitriou Ιωάννου=ioannou Καραγιάννη=karagianni Νικολάου=nikolaou "
        "Οικονόμου=oikonomou Παπαδάκη=papadaki Χατζής=chatzis",
    ),
    tongue(
        2,
        "陽子=yoko 健太=kenta 美咲=misaki 翔=sho さくら=sakura 大輔=daisuke 直美=naomi 悠真=yuma 恵=megumi 亮=ryo",
        "佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 渡辺=watanabe 伊藤=ito 山本=yamamoto 小林=kobayashi "
        "加藤=kato 吉田=yoshida",
        family_first=True,
    ),
    tongue(
        1,
        "伟=wei 芳=fang 娜=na 秀英=xiuying 敏=min 静=jing 磊=lei 洋=yang 艳=yan 思远=siyuan",
        "王=wang 李=li 张=zhang 刘=liu 陈=chen 杨=yang 赵=zhao 黄=huang 周=zhou 欧阳=ouyang",
        family_first=True,
    ),
    tongue(
        1,
        "민준=minjun 서연=seoyeon 지우=jiwoo 하은=haeun 도윤=doyun 수빈=subin 예준=yejun 지민=jimin",
        "김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon",
        family_first=True,
    ),
    tongue(
        1,
        "أحمد=ahmad ليلى=layla يوسف=yousef مريم=maryam خالد=khaled نور=nour سلمى=salma عمر=omar",
        "الحداد=alhaddad منصور=mansour الخطيب=alkhatib حسن=hassan النجار=alnajjar درويش=darwish صالح=saleh "
        "فارس=fares",
    ),
)

# Latin letters that are no ASCII letter with a mark.
PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "ð": "d", "þ": "th", "ł": "l", "đ": "d", "ı": "i", "’": None, "-": None}
)


def people(seed: int) -> Iterator[SamplePerson]:
    """People without end; the first ones are the same however many are taken."""
    rng = random.Random(seed)
    shares = [tongue.share for tongue in TONGUES]
    taken: Counter[str] = Counter()
    while True:
        tongue = rng.choices(TONGUES, shares)[0]
        given, given_plain = written(rng.choice(tongue.given))
        family, family_plain = written(rng.choice(tongue.family))
        local_part = f"{given_plain}.{family_plain}"
        taken[local_part] += 1
        if taken[local_part] > 1:
            local_part += str(taken[local_part])
        name = f"{family} {given}" if tongue.family_first else f"{given} {family}"
        yield SamplePerson(name, local_part)


def written(entry: str) -> tuple[str, str]:
    """The name, and the name in lower-case ASCII."""
    name, _, plain = entry.partition("=")
    return name, plain or in_ascii(name)


def in_ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(PLAIN))
    return "".join(char for char in decomposed.translate(PLAIN) if not unicodedata.combining(char))
