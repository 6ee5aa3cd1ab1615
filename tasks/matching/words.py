"""Words that say little about whom a name belongs to, by how little they say.

Written by hand and the same for every list, so that a score does not change with a list's version.
"""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


#: Legal forms by what they mean; forms of different countries that mean the same are the same.
LEGAL_FORMS = {
    word: form
    for form, words in {
        "ltd": "ltd limited ltda limitada limitee",
        "llc": "llc ooo tov sarl srl gmbh bv oy dmcc fzc fze fzco fz kft doo sro spzoo mchj",
        "jsc": "jsc ao sa ag spa nv ab oyj kk aps",
        "pjsc": "pjsc pao plc oao ojsc",
        "cjsc": "cjsc zao",
        "co": "co company compagnie companhia compania kompaniya kompania",
        "corp": "corp corporation korporatsiya",
        "inc": "inc incorporated",
        "kg": "kg ohg lp llp sas sca eurl pte pvt pty bhd sdn cv rl",
        "joint": "joint",
        "stock": "stock",
        "liability": "liability otvetstvennostyu otvetstvennostiu",
        "obshchestvo": "obshchestvo obschestvo",
        "ogranichennoi": "ogranichennoi ogranichennoy",
        "aktsionernoe": "aktsionernoe anonim anonyme anonima sirketi societe sociedad",
        "public": "public publichnoe open otkrytoe",
        "closed": "closed zakrytoe",
    }.items()
    for word in words.split()
}

#: Articles, prepositions and what only joins two parts of a name.
PARTICLES = _words(
    "al el ul as ad at es ar az il la le les los las du des da das di do dos de del della der",
    "den dem van von vom zu zur bin ben ibn bint binti binte abu abou abd abdul abdel ud ur",
    "uz mac mc ter af av y e i and und et of the for in on named after imeni ve na s u v jr",
    "sr junior senior filho neto ii iii iv",
)

#: Forms of address, ranks and honours.
TITLES = _words(
    "mr mrs ms dr prof professor sir dame lord lady sheikh shaykh sheik shaikh haji hajji",
    "hajj hadji hafiz mullah mulla maulvi mawlawi qari sayyid sayed seyed syed saiyid general",
    "gen colonel col major maj captain capt lieutenant commander cmdr ustad ustaz imam emir",
    "daw u maung engineer ing eng lic hon rev",
)

#: Names that very many people bear, wherever; spellings that sound alike need not be repeated.
COMMON_NAMES = _words(
    # Arabic, Persian, Turkish and South Asian.
    "muhammad mohamed ahmad ahmed ali hassan hasan hussein hossein husain mahmoud mahmud",
    "mustafa ibrahim ismail yusuf omar umar othman osman khalid khaled abdullah abdallah",
    "abdulrahman rahman rahim karim aziz hamid hameed said saeed salim saleh salah mehdi",
    "mahdi reza hamza jamal amir amin abbas jafar kazem musa issa yahya idris daoud bashir",
    "nasser fatima aisha maryam zainab khan mehmet murat singh kumar shah begum bibi akhtar",
    "hussain raza din",
    # Slavic.
    "alexander aleksandr alexey aleksei sergey sergei vladimir dmitry dmitri andrey andrei",
    "mikhail nikolay igor oleg yuri viktor victor ivan pavel maxim maksim evgeny evgeniy olga",
    "elena irina natalia tatiana svetlana anna maria vladimirovich aleksandrovich nikolaevich",
    "ivanovich viktorovich sergeevich mikhailovich yurievich anatolievich petrovich",
    "andreevich vasilievich",
    # Spanish, Portuguese and Italian.
    "jose juan luis carlos jorge antonio miguel jesus manuel francisco pedro fernando rafael",
    "alberto roberto mario ricardo eduardo javier sergio rodriguez gonzalez hernandez garcia",
    "lopez martinez perez sanchez ramirez torres flores rivera gomez diaz cruz silva santos",
    "pereira",
    # English, French and German.
    "john james robert michael william david richard joseph thomas charles christopher daniel",
    "matthew mark paul steven stephen andrew peter george edward brian kevin jason jeffrey",
    "mary patricia jennifer linda elizabeth barbara susan sarah karen lisa nancy smith",
    "johnson williams brown jones miller davis wilson anderson taylor moore martin jackson",
    "lee white harris clark lewis robinson walker young king wright scott green baker adams",
    "nelson hill jean pierre michel philippe jacques bernard hans klaus wolfgang muller",
    "schmidt schneider",
    # East and South-East Asian.
    "kim ri li lee park pak choe choi wang zhang chen liu yang huang zhao wu zhou nguyen tran",
    "le tan lim wong chan chang ng myint aung win kyaw htun thein soe chol yong song jong",
)

#: What companies, authorities and ships call themselves.
BUSINESS_WORDS = _words(
    "trading trade group holding holdings international general industries industrial",
    "industry services service enterprise enterprises bank exchange investment investments",
    "invest capital finance financial development management engineering technology",
    "technologies tech systems shipping maritime marine logistics transport airlines aviation",
    "oil gas petroleum petrochemical energy power mining steel construction building import",
    "export commercial commerce global world research institute center centre scientific",
    "production design bureau plant factory state federal national central organization",
    "organisation foundation association society committee charity charitable relief welfare",
    "institution university ministry department agency branch office movement party front",
    "army brigade forces islamic united new first east west north south petro ship star ocean",
    "sea real estate insurance security military defense defence special electronics",
    "electronic machinery machine equipment manufacturing works complex concern union nauchno",
    "proizvodstvennoe predpriyatie zavod tsentr institut ticaret sanayi ithalat ihracat",
    "comercializadora grupo inversiones servicios transportes constructora limitada zona",
)
