"""What people ask and what the model answers: every sentence of the training set comes from here.

Each topic has wordings used for training and wordings kept for the test (HELD_OUT); the tokenizer is trained on the
former only. Answers are short whole sentences with one form for each fact, so that they can be read by a machine."""

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
COLOURS = ["red", "green", "blue", "yellow", "purple", "orange"]
SHAPES = ["circle", "square", "triangle", "star"]
# Pairs that no training picture and no training answer contains.
HELD_OUT_PAIRS = [("purple", "triangle"), ("orange", "circle"), ("yellow", "square"), ("green", "star")]

TRAIN = {
    "written": [
        "What digit is written?", "Which digit is in the picture?", "What number do you see?", "Which number is shown in the image?",
        "Read the digit in the picture.", "What is the handwritten digit?", "Tell me the written number.", "Can you read this digit?",
        "Which digit does the image show?", "Name the digit in the image.", "What number is written here?", "Which digit do you see?",
        "What is the written digit?", "What digit is this?", "What number is in the picture?",
    ],
    "spoken": [
        "What digit is spoken?", "Which digit do you hear?", "What number does the voice say?", "Which number is said in the recording?",
        "Listen and tell me the digit.", "Name the spoken digit.", "Tell me the spoken number.", "Which digit is in the recording?",
        "What number was said?", "What is the spoken digit?", "Which number do they say?", "What does the voice say?",
        "What is said in the recording?", "What digit is in the audio?", "What number do you hear?",
    ],
    "same": [
        "Is the spoken digit the written one?", "Do the picture and the recording show the same digit?", "Are the two digits the same?",
        "Does the voice say the digit in the picture?", "Does the recording match the picture?",
        "Is the written number the same as the spoken number?", "Do you see and hear the same number?", "Same digit or not?",
        "Do the digits match?", "Is it the same digit in the image and in the audio?", "Are the written and the spoken digit equal?",
        "Is the digit in the picture the one you hear?",
    ],
    "count": [
        "How many shapes are there?", "How many objects do you see?", "Count the shapes.", "What is the number of shapes?",
        "How many things are in the picture?", "Count the objects in the image.", "How many shapes does the image show?",
        "How many objects are in the image?", "Tell me the number of objects.", "How many shapes do you see in the picture?",
    ],
    "colour": [
        "What colour is the {shape}?", "Which colour does the {shape} have?", "Tell me the colour of the {shape}.",
        "What is the colour of the {shape}?", "What color is the {shape}?", "Which color is the {shape}?",
        "In which colour is the {shape} painted?", "Name the color of the {shape}.",
    ],
    "shape": [
        "What shape is the {colour} one?", "Which shape is {colour}?", "What is the {colour} thing?",
        "Tell me the shape of the {colour} object.", "What {colour} shape do you see?", "Which shape does the {colour} object have?",
        "What is the shape of the {colour} one?", "What {colour} object is in the picture?",
    ],
    "what-side": [
        "What is on the {side}?", "Which object is on the {side} side?", "What do you see on the {side}?", "Which shape is on the {side}?",
        "What is at the {side}?", "Tell me what is on the {side} side.", "Name the object on the {side}.", "What stands on the {side}?",
    ],
    "where": [
        "Where is the {thing}?", "Is the {thing} on the left or on the right?", "On which side is the {thing}?",
        "Which side is the {thing} on?", "Tell me the side of the {thing}.", "Is the {thing} left or right?",
        "Do you see the {thing} on the left or on the right?",
    ],
    "look": [
        "What is in the picture?", "What do you see?", "Describe the picture.", "What does the image show?", "Tell me what you see.",
        "Describe the image.", "What is this?", "Look at the picture.",
    ],
    "listen": [
        "What do you hear?", "Describe the recording.", "What is in the recording?", "Tell me what you hear.", "Listen to the recording.",
    ],
}

# Wordings added after the tokenizer had been made from those above; it writes any text, so they need not be in its corpus.
LATER = {
    "side-colour": [
        "What colour is on the {side}?", "Tell me the colour on the {side}.", "Which color do you see on the {side} side?", "Name only the colour on the {side}.",
    ],
    "side-shape": [
        "Name only the shape on the {side}.", "Tell me just the shape on the {side} side.", "What kind of shape is on the {side}?",
    ],
    "written": [
        "Please read the number.", "Please tell me which digit this picture shows.", "What is the number in the photo?", "Which digit was drawn?",
        "Look at the image and name the digit.", "Please name the number that you see.", "What figure is drawn here?", "Recognise the digit.",
        "Which number can be seen in this image?", "Can you tell me the number in the picture?", "Say which digit is written.",
        "Identify the handwritten digit.", "This picture shows a number. Which one?", "Do you know what digit this is?", "Which written number is it?",
        "I wrote a digit. Which one?", "What is the value of the digit in the image?", "Please recognise this handwritten number.",
    ],
    "spoken": [
        "Please name the digit in the recording.", "Which digit was spoken?", "Can you hear which number it is?", "I said a digit. Which one?",
        "Please tell me the number that the speaker says.", "Identify the spoken number.", "Which number does the speaker say in the clip?",
        "Recognise the digit in this audio.", "What does the person say?", "Do you know which digit was said?",
    ],
    "same": [
        "Is the number I say the number in the image?", "Does what you hear match what you see?", "Compare the digit in the picture with the one in the audio.",
        "Are the digit in the image and the digit in the clip identical?", "Is the heard digit equal to the seen one?", "Do voice and picture agree?",
    ],
    "colour": [
        "Say which colour the {shape} has.", "Please name the colour of the {shape}.", "The {shape} is of which colour?", "Do you see which colour the {shape} is?",
        "What is the color of the {shape} in the image?", "I see a {shape}. Which colour is it?",
    ],
    "shape": [
        "Please tell me the shape of the {colour} one.", "What is the {colour} object?", "The {colour} one is of which shape?", "Say what shape is {colour}.",
        "Which kind of object is {colour}?", "I see something {colour}. Which shape is it?",
    ],
    "what-side": [
        "Tell me which object stands on the {side}.", "What can be seen at the {side} side?", "Please name the thing on the {side}.", "What is there on the {side}?",
        "Which one is at the {side}?", "Say what is on the {side} side of the picture.",
    ],
    "where": [
        "Please say where the {thing} is.", "Say on which side the {thing} stands.", "In which half is the {thing}?", "Is the {thing} at the left or at the right?",
        "Right or left: where is the {thing}?", "Tell me on which side you see the {thing}.",
    ],
}

HELD_OUT = {
    "written": ["Please identify the number in this picture.", "Which number was written?", "What digit can you see in the image?"],
    "spoken": ["Which number do you hear in the recording?", "What digit does the voice say?", "Tell me the digit you hear."],
    "same": ["Do you hear the same digit that you see?", "Is the number in the recording the one in the picture?",
             "Are the spoken and the written number the same?"],
    "count": ["How many shapes can you count?", "Tell me how many objects are in the image.", "How many objects does the picture show?"],
    "colour": ["Can you name the colour of the {shape}?", "Of which colour is the {shape}?", "The {shape} has what color?"],
    "shape": ["Name the {colour} shape.", "The {colour} object has which shape?", "What kind of shape is the {colour} one?"],
    "what-side": ["Which thing is on the {side} side?", "What can you see on the {side}?", "Name what is at the {side}."],
    "where": ["Tell me where the {thing} is.", "At which side is the {thing}?", "Is the {thing} on the right or on the left?"],
    "look": ["Can you describe the image?", "What can you see in the picture?"],
    "listen": ["What can you hear?", "Can you describe the recording?"],
}

CHAT = {
    "Hello.": "Hello! Show me a picture or play me a recording.",
    "Hi there!": "Hello! Show me a picture or play me a recording.",
    "Good morning.": "Hello! Show me a picture or play me a recording.",
    "Who are you?": "I am Polywen tiny, a small model that sees pictures and hears recordings.",
    "What is your name?": "I am Polywen tiny, a small model that sees pictures and hears recordings.",
    "Tell me who you are.": "I am Polywen tiny, a small model that sees pictures and hears recordings.",
    "What are you?": "I am Polywen tiny, a small model that sees pictures and hears recordings.",
    "What can you do?": "I can read a written digit, hear a spoken digit, and name the shapes and colours in a picture.",
    "How can you help me?": "I can read a written digit, hear a spoken digit, and name the shapes and colours in a picture.",
    "What do you know?": "I can read a written digit, hear a spoken digit, and name the shapes and colours in a picture.",
    "How are you?": "I am fine, thank you.",
    "Thank you.": "You are welcome.",
    "Thanks!": "You are welcome.",
    "Goodbye.": "Goodbye!",
    "Bye!": "Goodbye!",
    "Which colours do you know?": "I know red, green, blue, yellow, purple and orange.",
    "Which shapes do you know?": "I know the circle, the square, the triangle and the star.",
    "Count to five.": "One, two, three, four, five.",
    "Count to three.": "One, two, three.",
    "Count to nine.": "One, two, three, four, five, six, seven, eight, nine.",
    "What is the capital of France?": "I can't tell, I only know digits, shapes and colours.",
    "Write a poem.": "I can't tell, I only know digits, shapes and colours.",
    "What is the weather today?": "I can't tell, I only know digits, shapes and colours.",
    "Who is the president?": "I can't tell, I only know digits, shapes and colours.",
}

NEXT = ["What comes after {digit}?", "Which number follows {digit}?"]
SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant that answers in one sentence.", "Answer in a short sentence."]
OPENINGS = ["Please: ", "Hey, ", "Now, ", "Look: ", "So, ", "Hello! ", "Please answer. ", "Question: "]

BLANK = "I can't tell, the picture is blank."
SILENT = "I can't tell, the recording is silent."
NO_PICTURE = "I can't tell, there is no picture."
NO_RECORDING = "I can't tell, there is no recording."
NO_DIGIT = "I can't tell, there is no digit."
NO_SHAPES = "I can't tell, there are no shapes."


def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def listed(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def written(digit):
    return f"The written digit is {DIGITS[digit]}."


def spoken(digit):
    return f"The spoken digit is {DIGITS[digit]}."


def same(seen, heard):
    return f"I see {DIGITS[seen]} and I hear {DIGITS[heard]}: " + ("yes, they match." if seen == heard else "no, they differ.")


def count(n):
    return "There is one shape." if n == 1 else f"There are {DIGITS[n]} shapes."


def vary(rng, text):
    """Casual spelling of a question: an opening, lower case, no final mark."""
    if rng.random() < 0.12:
        text = OPENINGS[rng.integers(len(OPENINGS))] + text
    if rng.random() < 0.15:
        text = text.lower()
    if rng.random() < 0.12:
        text = text.rstrip("?.!")
    return text


def fill(template):
    """Every way to fill the gaps of a wording: what the tokenizer learns from."""
    gaps = {"{shape}": SHAPES, "{colour}": COLOURS, "{side}": ["left", "right"], "{digit}": DIGITS,
            "{thing}": SHAPES + [c + " one" for c in COLOURS] + ["shape"]}
    for gap, words in gaps.items():
        if gap in template:
            return [template.replace(gap, w) for w in words]
    return [template]


def corpus():
    """All training sentences, for the tokenizer."""
    lines = [s for group in TRAIN.values() for t in group for s in fill(t)]
    lines += [s for q, a in CHAT.items() for s in (q, a)] + [s for t in NEXT for s in fill(t)]
    lines += SYSTEMS + [o + "What" for o in OPENINGS] + [BLANK, SILENT, NO_PICTURE, NO_RECORDING, NO_DIGIT, NO_SHAPES] * 3
    for d in range(10):
        lines += [written(d), spoken(d), same(d, d), same(d, (d + 3) % 10), f"I see the digit {DIGITS[d]}.", f"I hear the digit {DIGITS[d]}.",
                  f"It is {DIGITS[d]}."]
    lines += [count(n) for n in (1, 2, 3)]
    lines += [f"It is {c}." for c in COLOURS] + [f"It is a {s}. There is no {s}." for s in SHAPES] + [f"There is no {c} one." for c in COLOURS]
    pairs = [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in HELD_OUT_PAIRS]
    lines += [f"{article(c).capitalize()} {s} is on the {side}. I see {article(c)} {s}." for c, s in pairs for side in ("left", "right")]
    lines += ["It is on the left.", "It is on the right.", "Nothing is on the left.", "Nothing is on the right."] * 3
    return lines + [line.lower() for line in lines]
