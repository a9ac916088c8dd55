"""Deeds that once broke a rule, on some schedules, break none. `simulate` takes the shortest
sequences alone; these are longer."""
import collections
import os
import subprocess
import sys

NO_CRASH = 9999
LATE = 2  # of the third number of --repeat: commits take long
SEEDS = range(50)

# What people did; which deeds these are (tree_deed in tree.c); how many steps lie between them; the
# steps before which the agent is killed; where commits take long, what is lost then nothing tells.
Once = collections.namedtuple("Once", "what deeds gaps crashes prompt", defaults=(False,))
ONCE = (
    Once("an image is renamed, again, and then over another one", "5:11:6", (0, 1, 2), (NO_CRASH,)),
    Once("an image is renamed over another, and goes on after a crash", "9:22:8", (9,),
         (16, 17)),
    Once("an image is renamed and comes back, and another over it after a crash", "4:6:9", (9,),
         (14, 16)),
    Once("a new file is renamed, and over an image", "19:11:10", (0, 2, 3, 5), (NO_CRASH,)),
    Once("a new file with a row takes the place of an image that was renamed", "18:8:22:6", (0, 2),
         (NO_CRASH,)),
    Once("an image goes, another takes its place and gets a row", "12:9:20", (5, 9), (NO_CRASH,)),
    Once("the same, of one that was renamed before", "8:15:5:23", (9,), (NO_CRASH,)),
    Once("a file renamed over an image goes on, and another came to where it was before", "18:6:1:8",
         (9,), (NO_CRASH,)),
    Once("an old list is saved, and a file comes to where an old object is about to go", "1:2:25:0",
         (10, 11), (NO_CRASH,)),
    Once("a new content comes over an image that is on its way to S3 from there", "8:9:18:6", (2,),
         (NO_CRASH,)),
    Once("an image comes back to where it was, and gets a new content", "0:9:18:6", (0, 2),
         (NO_CRASH,)),
    Once("an image comes over another, a third to where it was, and a crash", "19:5:0", (9,),
         (20, 24)),
    Once("the same, and it goes on", "19:5:0:1:6:3", (9,), (32,)),
    Once("an image goes on while S3 gets another to where it was", "19:5:0:1:6:3", (7,), (16,)),
    Once("a row by a name that an image has again, while S3 gets another there", "4:1:10:1:22",
         (3, 4), (NO_CRASH,)),
    Once("an image comes to where another was, and is removed there", "5:0:13", (7,), (NO_CRASH,)),
    Once("an image comes over another, a third to where it was and on, and a crash", "19:5:0:1:6:3",
         (9,), (36,)),
    Once("two images go on, one behind the other, and a crash behind the rewrite", "19:5:0", (5,),
         (28,)),
    Once("an image comes over another and back, and gets a new content", "0:0:9:18:6", (5,),
         (NO_CRASH,)),
    Once("an old list is saved when another image is where its image was in between",
         "8:11:19:21:12:25", (11,), (NO_CRASH,)),
    Once("images leave and come over others, all before anybody looked", "5:17:9:18:3:0:10", (0,),
         (NO_CRASH,)),
    Once("the same, and one comes back", "5:3:17:19:1:0:7:6", (0,), (NO_CRASH,)),
    Once("files go while a listing waits in which they are", "16:22:24", (7, 9), (6, 9)),
    Once("an image goes to another one's old path and is removed there, and that one goes on",
         "19:7:8:15:1", (5, 9), (NO_CRASH,)),
    Once("an image is renamed, a crash while it is copied, and another comes over it", "19:4:11",
         (9, 13), (20, 22)),
    Once("an image is written and goes; a new file takes its place, which S3 gets first", "17:1:17",
         (0, 1), (NO_CRASH,)),
    Once("an old list is saved with the name of an image that goes where another one was, while "
         "that one goes where it was", "5:11:8:25:6", (7, 8), (NO_CRASH,)),
    Once("images are numbered anew, and a crash when some are in S3", "5:0:16", (0,),
         (15, 16, 17, 18, 19), prompt=True),
    Once("two images go on, one behind the other, a row for the first, and a crash while lists are "
         "rewritten", "1:0:22", (0,), (19, 21, 23), prompt=True),
    Once("an image goes on and back to where it was, and a crash while lists are rewritten",
         "5:11:10", (5,), (24, 26)),
    Once("an image goes, comes back and goes again, and another one comes", "4:6:4:9", (4,),
         (NO_CRASH,)),
    Once("an image goes, another one to its place, a new file to that one's, and a crash while "
         "lists are rewritten", "4:9:17", (2,), (29, 31, 33), prompt=True),
    Once("an image that was replaced goes on before S3 has it, and is replaced again", "9:17:1:8",
         (2,), (NO_CRASH,)),
    Once("the same, after two renames", "17:5:11:17:8:9", (1,), (NO_CRASH,)),
    Once("an image comes over a new file that went on, gets a row, and is removed",
         "19:5:23:11:14", (3, 4), (NO_CRASH,)),
    Once("an image goes, comes back and goes again, a new file comes, and a crash while lists are "
         "rewritten back", "5:7:5:17", (9,), (27, 29, 31)),
    Once("an image goes, comes back, goes on and over another one", "1:10:1:2:3", (6, 7),
         (NO_CRASH,)),
    Once("an image goes on after a crash, another comes to where it was in between, and gets a row",
         "4:2:1:22", (4,), (4, 5)),
    Once("an image goes and comes back while its copy is under way, and another one to where it was",
         "1:10:4", (4, 5, 6), (NO_CRASH,)),
    Once("an image comes over a new one and goes on while the removal of its old object is held",
         "12:18:1:6:17", (13,), (NO_CRASH,)),
)

# The same, on the one schedule on which it was seen (as simulate --repeat takes it).
EXACT = (
    ("an image comes to where another was, which is found again where it was overwritten since",
     "9225129981745728557:4:80:1:17:7:9:25:19:4:3:11:17:4"),
    ("an old list is saved while the list is on its way to S3, and a pass finds nothing in it",
     "314922887460828825:3:130:0:5:20:15:15:1:3:14:3:16:25"),
    ("an image goes on from where it came over another one, and was seen where it was before",
     "2941705202528411565:5:503:0:16:4:15:7:5:1:11:19:7:17:10"),
    ("an image goes, comes back, and S3 gets what took its place before events tell of that",
     "1952701633040103989:3:182:1:4:5:22:6:18"),
    ("a new file goes on, and was being read where events say that it was",
     "9978542769849549233:1:350:1:23:22:21:25:0:16:17:25:16:8:11:23:7:9:25:8:19"),
    ("an image goes on from where another one's old object is being deleted",
     "84086335200642041:10:412:0:18:5:11:9:10:5:17"),
    ("an image comes home, where another one had come whose rename was under way",
     "4127144061782346427:3:157:1:4:9:2:3:11:15:22:6:14"),
    ("an image lands where it came over another one before it does where it was in between",
     "1190132580348248149:2:346:0:5:22:3"),
    ("an image comes over another one, loses its own row for that, and goes on before S3 follows",
     "4162300832154666247:11:64:0:9:4"),
    ("an image comes over another one and goes back before S3 follows, and a crash", "0:5:18:0:9:0"),
    ("an image is renamed, written into a list there, and goes back, and a crash", "0:3:8:0:5:23:7"),
    ("an image is renamed, a new file takes its place and goes on from there, and a crash",
     "0:9:28:0:5:17:1"),
    ("an image takes the place of one that no list names, and a crash behind the rewrite",
     "0:9:30:0:18:2:1"),
    ("two images exchange their names, and a crash when one has landed", "0:1:12:1:8:9:7"),
    ("the same, where the index has not heard of it", "0:1:13:1:8:9:7"),
    ("images go one behind the other, a new file comes to the place of the second, and a crash",
     "7205556286276115741:0:27:0:1:0:16:17"),
    ("an image is renamed, written into a list there, and goes on, and a crash", "0:3:9:0:1:22:2"),
    ("a new file gets a row and overwrites an image, and a crash before the pass",
     "0:0:19:0:19:23:3"),
    ("an image is renamed, a new file comes to its place, and while it is down it is renamed again",
     "0:2:3:0:1:17:2"),
    ("the same, and it came over another one", "0:3:5:0:4:16:2"),
    ("a new file that is written into a list is renamed, and its transfer ended with a crash",
     "0:3:6:1:18:22:2"),
    ("the same, when it had been found under its new name", "0:3:17:0:19:23:11"),
    ("a new file takes an image's place, and an old list is saved before the copy lands",
     "17520082497588836245:6:185:1:17:7:18:22:18:8:22:25:16:21:5:19"),
    ("an image passes a place where a new file is when it is looked at first",
     "2946344771906046699:1:422:0:2:5:13:3:19:4"),
    ("an image comes over another one, is written into a list there, and goes back",
     "6189594439774319903:6:347:1:1:4:11:22:6"),
    ("an image is overwritten after a crash where its copy was under way and its rows were",
     "6277151138512785537:13:21:1:19:4:11"),
    ("a row is written where another image was, whose rows a pass is about to take along",
     "645249222086374949:10:444:0:18:23:10:4:22"),
    ("an image is renamed, comes back, and a new file comes over it",
     "6805597191397863551:4:58:0:8:3:19:3"),
    ("an image is renamed, comes back, and is renamed again",
     "5994223196020679479:2:197:1:10:5:21:7:15:5"),
    ("the same, a new file takes the place where it had been, and a crash", "0:5:21:1:8:3:19"),
    ("the same, and a crash later on", "0:9:29:1:8:3:19"),
    ("the same, one that was there before, and a crash", "0:5:21:1:1:10:18"),
    ("a new file passes a place where another one comes, and a crash while lists are rewritten",
     "0:5:27:0:19:3:5"),
    ("a new file gets the name of a removed image, and is renamed over another one",
     "5059844585466850223:13:401:0:7:12:16:0"),
    ("a new file comes over an image that was renamed just now, and a crash before that",
     "4296790864735156613:15:24:1:19:1:11:8"),
    ("an image came to where lists name it, is overwritten there, and people wrote its old name",
     "6783486304325026701:8:321:1:3:10:3:8:1:16:8:18:6:11:2:18:22:6:6:2:9"),
    ("an image is overwritten where it came back to, which was seen nowhere",
     "10651750168014972509:1:333:0:4:3:19:18:6:3"),
    ("an image comes over another one, and goes on twice before S3 follows",
     "11876991870157350839:6:205:0:6:20:9:8:13:14:11"),
    ("an image goes on, a new file comes to where it was, which S3 gets as that, and a crash",
     "11378749439332226859:0:21:0:16:8:11:19"),
    ("an image comes over another one and goes on, and a new file comes there, all before S3 follows",
     "7054519075762246015:4:65:1:0:0:1:17"),
    ("the same, and the new file comes from elsewhere",
     "2399321447564917471:4:474:0:11:0:2:18:5:10"),
    ("an image comes to where another one's removal waits, and a new file goes by",
     "8784979038802969121:6:168:1:8:15:25:12:0:5:16:4"),
    ("a row by the name of a place that two images passed, one behind the other",
     "5293952792426460987:0:261:0:19:23:18:5:22:10:3"),
    ("a row by the name of a place that an image passed on its way back, and a new file where it had "
     "been", "4599720822983984301:0:233:0:9:8:23:3:4:22:10:19"),
    ("an image is renamed, another comes over it, a new file to where that was, and a crash",
     "0:5:12:0:5:8:16"),
    ("a new file goes on, and an image comes to where it was, and is removed",
     "7009406819379290929:0:361:1:19:11:8:15"),
    ("an image goes, comes back, another one over it, and a crash before its first copy's end",
     "0:5:43:0:4:6:9"),
    ("an image comes back and a new file over it; where it was is looked at first",
     "7:3:9999:1:1:19:10:7"),
    ("the same, while commits take long", "7:3:9999:3:1:19:10:7"),
    ("an image goes on unseen, and S3 gets a new file at its place",
     "4716099105990261181:0:169:0:8:16:11:17"),
    ("the same, and another one comes there before the image is found",
     "2842687184207695543:4:225:0:8:11:17:19:18:23:5"),
    ("the same, twice, and the rows of the one at its place are elsewhere",
     "6842425672785841899:2:336:1:2:1:16:0:6"),
    ("a removal is not done at a crash, an old list is saved, and an image comes there with a row",
     "809487690113760343:15:34:1:16:17:13:25:6:0:21"),
    ("after a crash another one passes where an image was overwritten, and all is removed",
     "9862649944184583541:9:8:0:4:1:23:6:9:12"),
    ("an image comes back while its rows leave, and another one comes over it",
     "3071330998711966495:5:141:0:25:5:17:1:7:10"),
    ("an image comes back, another one over it, and what it had been renamed to goes",
     "17636873797051119859:6:409:1:18:8:18:3:6"),
    ("the same, and the other one goes on over a third",
     "1698680162268816935:0:458:0:4:9:17:5:12:23:11"),
    ("an image is seen at another one's place before events tell, and people wrote where it was",
     "13643458369624450285:2:323:1:23:4:4:17:22:9:10"),
    ("a crash when rows were rewritten to a name that another one may have had",
     "17432966679173726447:3:33:0:3:7:20:19:3:18:15:18:5"),
    ("rows are rewritten to a place that others had left, and a crash",
     "16904477604927903109:10:39:0:20:6:8:20:12:9:12"),
    ("a new file takes the rows of the place where an image passed, and the image comes home",
     "12364934586983665053:3:508:1:1:18:23:2:9:7:18"),
    ("an image comes home where another file had it, by another key",
     "3498964742856861167:9:286:0:1:21:22:8:6:8:5:11:19"),
    ("a copy is interrupted by a crash, the image goes home, and there again",
     "75526866134643399:12:9:1:4:6:17:4"),
    ("an image goes on, another one is at its second key, and its first object goes",
     "12613502517720567743:5:368:1:14:8:3:14:18:8:23:2"),
    ("an edit is in the journal alone at a crash, and the image is renamed and edited again",
     "15257272283764660983:2:13:0:16:22:19:0:1:18"),
    ("the same, and a new file at its place", "3145704602468001937:9:15:1:16:8:16"),
    ("after a crash a new file takes an image's place and goes on, and the image is found later",
     "13173276563250662029:8:5:1:4:16:17:0"),
    ("a new file with a row goes where an image had left, and is removed",
     "5431823854124408263:1:226:1:19:1:23:7:13"),
    ("an image passes a place that another one left, whose object is still there, and is removed",
     "14978732951766770675:3:83:1:1:8:6:12"),
    ("an image goes on, a new file comes where it was, and the image gets a new content",
     "11217181772284426949:3:450:0:8:11:19:18"),
    ("a row is written for a new file at the place of a removed image, and the file goes on",
     "7990831720946415983:6:378:1:13:11:4:21:13:17:21:5:10"),
    ("the same, and a crash while S3 gets the file",
     "3591000668889900199:5:53:1:16:16:14:2:13:12:4:17:8:18:21:5"),
    ("an old list is saved while an image goes on, and a crash when its rows have followed",
     "1870765568530928015:5:51:1:8:23:6:11:25:10"),
    ("a crash while an image is copied, which is back, and another one comes where it had been",
     "1962955658528564149:6:38:0:1:13:8:25:13:3:2:23"),
    ("an image passes a place while a removal is held, and a new file comes there with a row",
     "15413674435086763797:2:467:1:21:22:0:3:14:0:24:6:9:12:19:7:4:9:12:19:23"),
    ("an image comes over another one, and an old list is saved",
     "14240358113025388087:8:473:0:25:4:5:7:0:1:5:12:15:19:3:25"),
    ("an image comes over another one and goes on, and a new file to where it was first",
     "7986309237920878503:7:146:1:13:16:22:21:1:20:18:13:8:1:11:23:8:10:19"),
    ("the same, and old lists are saved",
     "11805901110998416349:2:290:1:15:9:20:25:1:25:18:8:23:11:3:12:17:10:7:20:5:25:23:16:19:0"),
    ("rows of a removed image have left, and another one comes to its place and gets a row",
     "6296167675367804635:5:288:0:4:6:8:15:6:22:17:9:1:4:7:1:20:22"),
    ("rows are held at a place from which their image was removed", "12389616896949861:10:157:1:1:2:10"
     ":25:5:16:4:15:16:9:14:19:14:6:25:3:0:17:13:19:23"),
    ("an image comes back and is edited, and a crash", "7168289199224036957:13:18:0:0:9:16"),
    ("an image goes on, a new file comes to its place, and a crash before S3 has it",
     "11586073197331944627:1:15:0:8:19:18:6"),
    ("a new file was at the place of an image that came back",
     "17038842405349504365:1:100:0:9:2:17:5:0:3"),
    ("an image comes back and goes on, and a new file to where it was",
     "9610873642745631379:6:468:0:1:10:5:17"),
    ("an image is removed whose rows name the place of another one, after a crash",
     "17276232733269691695:4:46:0:19:23:16:11:23:1"),
    ("a crash while an image is copied, and a new file at its place",
     "13176695219862126067:1:10:1:4:16"),
    ("an image is taken for the content of another one, whose rows go, and goes on",
     "6930077383921590275:5:274:0:7:0:10:1"),
)

# The same, where commits do not take long: what is lost with a crash otherwise, nothing tells.
PROMPT = (
    ("an image comes over another one and goes back before S3 follows, and a crash",
     "15542246859485134413:5:16:1:0:3:9"),
    ("the same, of two", "9230054651874134427:7:18:1:9:0"),
    ("an image comes back to where S3 had it renamed from, and a new file over it",
     "637199343309692123:2:365:1:1:19:1:10:7"),
    ("rows of a ring are rewritten, and a crash before the index has heard of it",
     "828462349678625639:4:34:1:5:11:9:8:6:9:7"),
    ("an image comes over a new one, and a new file to where it was before it was asked about",
     "5653015574110851957:8:243:0:4:16:9:10:13:17"),
)


def late(run):
    """The same where commits take long: more is lost with a crash then."""
    seed, gap, crash, guard, deeds = run.split(":", 4)
    return f"{seed}:{gap}:{crash}:{int(guard) | LATE}:{deeds}"


def main():
    simulate = f"{os.environ.get('LOCKSTEP_BUILD', '.')}/tests/simulation/simulate"
    runs = [(once.what, f"{seed}:{gap}:{crash}:0:{once.deeds}")
            for once in ONCE for gap in once.gaps for crash in once.crashes for seed in SEEDS]
    runs += EXACT
    prompt = {once.what for once in ONCE if once.prompt}
    runs += [(what, late(run)) for what, run in runs
             if run.split(":")[2] != str(NO_CRASH) and what not in prompt]
    runs += PROMPT
    broken = 0
    for what, run in runs:
        done = subprocess.run([simulate, "--repeat", run], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        if done.returncode:
            print(f"{what}: simulate --repeat {run}", done.stdout, sep="\n")
            broken += 1
    if broken:
        sys.exit(f"{broken} of {len(runs)} broken")


main()
