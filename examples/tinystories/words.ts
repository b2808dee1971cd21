// Words that count as real words in this example; written by make-words.ts.
export const WORDS: ReadonlySet<string> = new Set(
  `
a able about accident accidentally acorn across act actually add adorable adventure adventures adventurous
advice aeroplane afraid after again ago agreed aid air airplane alarm all alligator allow allowing almost
alone along also always am amazed amazement amazing ambulance amy an anamed ancient and angel angry animal
animals anna annie another answer answered ant ants anxious any anymore anyone anything apart appear appeared
apple apples are arm armchair arms around arrive arrived arrow art as ash ashamed ashtray ask asked asking
asks asleep at ate attic attractive aunt away awe b baby back backyard bad bag bake baked balance balancing
bald ball balloon balloons balls banana bananas band barber bark barked barks barn barrel baseball basket
basketball bath bathroom bathtub battery be beach beak bean beans bear bears beautiful became because become
bed bee beef been bees beetle before began behaved behind being believe bell bella belongs belt ben bench
benny bent berries berry beside best betsy better betty bicycle big bigger bike billboard billy bin bird
bird's birdie birds birdy birthday bit bite bites bitter black blanket blankets bleed blew block blocks blouse
blow blowing blue board boat bob bobo body bolt bone book bookcase books boot boots bored boring borrow bossy
both bottle bottom bought bounce bounced bouncing bouncy bow bowl box boxes boy boys bracelet brain branch
brave bread break breakfast bridge bright brilliant bring broccoli broke broken brother brought brown brownie
bubble bubbles bucket buddy bug bugs build building built bull bump bun bunny burn burned bury bus bush bushes
busy but butter butterflies butterfly button buttons buy buzz by bye cable cage cake calendar call called
calling calls calm came camera can can't candle candy cane cap car card care cared careful carefully caring
carl carried carrot carrots carry carrying cars case castle cat cat's catch caterpillar cats caught
cauliflower cave cereal chain chair chairs change charming chase chased cheap cheek cheered cheese chess chest
chew chicken child children chimney chocolate choice choose city clap clapped class clay clean cleaned clear
clever climb climbed climbing clock close closed closely closer closet cloth clothes cloud clouds clown club
coal coat coats cocoa coffee coin coins cold collect color colorful colors come comfort comfortable coming
computer cone confused continue continued cook cookie cookies cooking cool cooler corn corner costume couch
could couldn't count counted counting country course cover covered cow cows cozy crab crane crawl crayon
crayons crazy cream created creative creature cricket cried cries crocodile cross crown cry crying cuddles cup
cupboard cups curious cut cute dad dad's daddy daddy's daisy dance danced dancing danger dangerous dare dark
daughter day days dead deaf dear decide decided decides decorating deep deer delicate delicious dependable
diary did didn't different difficult dig dinner dirt dirty disagree disappear disgusting dish display distance
distant disturb dive do doctor does doesn't dog doggy dogs doing doll dolls dolphin don don't done door doors
dough dove down dragon dragons drank draw drawer drawing dream dreamed dreams dress dressed drew drink
drinking drive driver dropped drove drum dry duck ducks ducky dug dull e each eager ear earlier early ears
easier easily east easy eat eaten eating egg either elderly elephant elevator ellie else embarrassed emily
emma empty end engine enjoy enjoyed enjoying enormous enough especially even ever every everyone everything
everywhere excited excitement exclaimed exercise expensive explain explained explore exploring eye eyes f face
faces fair fairy fake fall falls family famous fan fancy far faraway farm farmer fast faster fastest fat
father favorite fax fearful feathers feed feel feeling feels feet fell felt fence festival few field fields
fierce fight figure filled filthy fin finally find finding fine finger finish finished fire fireplace first
fish fit fits fix fixed fixing flag flame flapped flew float floor flour flower flowers fluffy flute fly
flying follow followed following food foolish foot for forest forever forget forgive forgot fork fort forth
forward found fountain fox fred freddy free freezer fridge friend friend's friendly friends frightened frog
from front frown fruit fruits frustrated fuel full fun funny fur furry game games garden gasped gate gather
gathered gave gem generous gentle gently get getting ghost giant gift giggled girl girl's give glad glass
gloomy glove glowing go goal goat goes going gold gone good goodbye got grab grabbed grandma grandpa grant
grass grateful gray great green grew groceries ground group grow growled grown grumpy guard guess guilty
guitar gum gun gust gym h ha had hair haircut hairy half hand hands hanger hanging happen happened happily
happy hard harmless harsh has hat hats have having hay he he's head heal healthy hear heard hears heart heavy
held hello help helped helper helpful helping helps hen henry her here hers herself hey hi hid hidden hide
hiding high higher hill hills him himself his hit hive hockey hold holding holds hole home homes honest honey
hook hoop hop hope hoped hopes hoping hopped hopping horn horse hose hospital hot hotel hours house houses how
hug huge hugged hugs humble hung hungry hunter hurry hurt hurting i i'll i'm ice icy idea ideas if igloo
ignorant ignore ignored imagine imagined impatient important impressive in incredible ink inside instead
intelligent intelling interesting into invite invited iron is island it it's itch its jack jack's jane jar
jazz jealous jeep jelly jellyfish jen jenny jerry jet jewelry jill jim jimmy job joe jog john johnson join
joke jolly journal journey joy judge jug juice juicy jump jumped jumping jumps jungle junk just keep kept key
kicked kids kind king kiss kissed kitchen kite kitten kitty knee knew knight knock knocked know knows label
ladder lady lake lam lamp land landed large last late later laugh laughed laughing laundry lawyer lay lazy
leaf learn learned leash leave leaves left leg legs lemon lend less lesson let let's letter letters
library lick licked licks lies life lift light lightning lights like liked likes lila lilly lily lily's line
lion lions lisa's listen listened listening little live lived lively living lock locked log lonely long longer
look looked looking looks loop lose lost lot lots loud loudly love loved lovely loves low luck luckily lucky
lucy lucy's luke luna lunch ly lying m machine machines mad made magic magical magnet mail mailbox make makes
making mama man many map marble march mark marker marry mary mask match matches math mattress max max's may
maybe me meal mean means meant measure meat medal medicine meet meow meowed mess messy met mia mia's
microscope middle might mighty mild milk mill mimi mind mine mirror miserable miss missed misses missile
missing mist mittens mix mixed mixer mixing modern modest mole molly mom mom's moment mommy moms money monkey
monkeys monster moon moral more morning most mother mountain mouse mouth move moved moves mr mrs much mud mum
muscle muscles museum music must mustache my nail name named nap naughty near nearby nears neat neck necklace
need needed needle needs neighbor nemo nervous nest net never new news next nice nicely night no nod nodded
nods noise noises normal nose nosy not note nothing notice noticed now number numbers nurse nut nuts o
obedient ocean octopus of off office oh ok okay old older olive ollie on once one ones onion only onto open
opened opens opera or orange organize organized other others our out outside oven over ow owl own owner oyster
pack packed pain paint painted painter painting pair pale pan panda pants paper papers parade parent parents
park part party pass passed pasta patch path patient pattern paw paws pay peaceful peanut pear pebble pen
pencil penny people perfect persistent person pet pete pets petting phone photo piano pick picked picking
picks picnic picture pictures pie piece pieces pig pigeon pile pillow pin pine pink pinky pizza place places
plan plane plant plants plate play played playground playing please pocket poem pointed pointing poke pole
police polish polite polly pond pool poor popcorn poppy port post pot potato pour poured powder powerful pray
present presents press pretend pretended pretending pretty prince princess print printed prize problem
problems promise promised protect proud prune puddle puddles pull pulled pulls pumpkin puppy purple push
pushed pushes pushing put puts puzzle queen question quickly quicy quiet quit rabbit rabbit's race raced radio
radish raft rain rainbow raining rake ran rang rare rase rat reach reached reaches read ready real realized
really red regular reliable relieved remember remembered reminded remy replied resist rest resting restless
return rex rice rich ride right ring ringing rip ris rise river road roar roared robot rock rocks rode roll
rolled rolling roof room root roots rope rose rosie rough round rub rude rug rules run running runs s sack sad
sadly safe said sail sailed salad sally salt sam same sammy sand sandwich sandwiches sang sara sarah sasked
sat sauce sausage save saved saw say saying says scale scare scared scarf scary scatter school screamed screen
sea seal search searched season seat seats secret see seed seeds seeing seek seemed seen sees self selfish
sell selling sent separate serious set setting settled shade shadow shadows shake shaking shape share shared
sharing sharp she sheep sheet shelf shell shells shield shine shining shiny ship shirt shivering shock shoe
shoes shook shoot shooting shop shore short should shoulder shout shouted show showed shower showing shows
shut shy sick side sidewalk sight sign silly silver sing singing sings sink sister sisters sit sitting
skeleton skin skirt sky slap slapped sleep sleeping sleepy slide sliding slip slipped slow slowly small smart
smell smelled smelly smile smiled smiles smoke smooth snack snake snow snowman so soak soap soar sock socks
soft soldier solve some someone something sometimes son song songs soon sorry sort sound sounds soup sour
space spaghetti spark sparkled sparkly spear special spicy spider spilled spin splash splashed spoiled spoke
spoon sport spot spot's spotted spray spring spun squash squirrel squirrels st stage stairs stamp stand star
stars start started starts station statue stay stayed steam steer step stepped stick sticks still stir stone
stones stood stop stopped store stories storm story stove strange strawberries strawberry stream street
stretch string strings strong stronger struck struggled stubborn stuck study stuff stupid successful such
suddenly sue sue's sugar suggested suit sun sunny sunset sunshine sure surprise surprised swam swan sweet
sweetie swim swimming swing swings sword swung t table tail take taken takes taking talent talk talked talking
tall tank tape task taste tasty taught tea teach team tears tease ted teddy teeth tell terrible test than
thank thanked that that's the theater thed their them then there there's these thet they thick thief thin
thing things think thinking thinks thirsty this those though thought thoughtful thread threat three threw
through throw tide tidy tie tied tight tim tim's time timmy timmy's tiny tired to toast today toe together
told tom tom's tommy tomorrow too took tool top tore tost touch touched tough tour towards towel tower towers
town tox toy toys trail train trap trash travel tray treasure treasures treat tree trees triangle trick tried
tries trip tripped trips trouble troubled truck trucks true trunk trust truth try trying tub tube tummy tuna
tunnel turkey turn turned turns turtle tv tweet tweetie tweety twin twins two ugly umbrella uncle under
understand understood unexpected unique unite universe unknown unlock unpack until unusual up upon upset us
use used using valley value van vase vegetable vegetables vehicle velvet very vest vet village vine violin
visit voice w wa wag wagged wagging wagon wait waited waiting wake wakes walk walked walking walks wall wallet
walls wand wander wandered want wanted wanting wants wardrobe warm warned was wash wasn't watch watched
watching water watered watering wave waved waves way ways we we're weak wear wearing weather week weight
welcome well went were west wet whale whas what what's wheat wheel wheels when where which while whiskers
whistle white who whole why wide wiggle wild will win wind window wings winner winter wipe wire wise wish
wished wishes with wlo woke wolf woman won won't wonder wondered wood woods wool word words wore work worked
working world worm worried worry would wouldn't wow wrap wreck write wrong wrote yacht yard yarn year years
yell yellow yes yet yoga yogurt you you'll you're young your yourself yummy ziggy zip zoo zoom
`
    .trim()
    .split(/\s+/),
);
