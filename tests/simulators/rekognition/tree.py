"""A small label tree: invented, in the shape of the real one. Not Amazon's list.

A label may have more than one direct parent; `PARENTS` holds all its ancestors in alphabetical order, as answers do.
"""

from __future__ import annotations

from msgspec import Struct


class Kind(Struct, frozen=True):
    """A label: its direct parents, its one category, other names for it, and whether it is found with boxes."""

    parents: tuple[str, ...]
    category: str
    aliases: tuple[str, ...] = ()
    boxes: bool = False


_ANIMAL, _NATURE, _PERSON = "Animals and Pets", "Nature and Outdoors", "Person Description"
_VEHICLE, _HOME, _BUILT = "Vehicles and Automotive", "Home and Indoors", "Buildings and Architecture"

TREE = {
    "Animal": Kind((), _ANIMAL, boxes=True),
    "Wildlife": Kind(("Animal",), _ANIMAL),
    "Mammal": Kind(("Animal",), _ANIMAL),
    "Pet": Kind(("Animal",), _ANIMAL),
    "Bird": Kind(("Animal",), _ANIMAL, boxes=True),
    "Fish": Kind(("Animal",), _ANIMAL, boxes=True),
    "Insect": Kind(("Animal", "Invertebrate"), _ANIMAL, ("Bug",)),
    "Invertebrate": Kind(("Animal",), _ANIMAL),
    "Hoofed Mammal": Kind(("Mammal",), _ANIMAL),
    "Canine": Kind(("Mammal",), _ANIMAL),
    "Deer": Kind(("Hoofed Mammal", "Wildlife"), _ANIMAL, boxes=True),
    "Fallow Deer": Kind(("Deer",), _ANIMAL),
    "Elk": Kind(("Deer",), _ANIMAL),
    "Horse": Kind(("Hoofed Mammal",), _ANIMAL, boxes=True),
    "Foal": Kind(("Horse",), _ANIMAL, ("Young Horse",)),
    "Cow": Kind(("Hoofed Mammal",), _ANIMAL, ("Cattle Animal",), boxes=True),
    "Dog": Kind(("Canine", "Pet"), _ANIMAL, boxes=True),
    "Puppy": Kind(("Dog",), _ANIMAL),
    "Sheepdog": Kind(("Dog",), _ANIMAL),
    "Fox": Kind(("Canine", "Wildlife"), _ANIMAL),
    "Duck": Kind(("Bird", "Wildlife"), _ANIMAL, ("Waterfowl Duck",)),
    "Owl": Kind(("Bird", "Wildlife"), _ANIMAL),
    "Trout": Kind(("Fish", "Wildlife"), _ANIMAL),
    "Beetle": Kind(("Insect",), _ANIMAL),
    "Bee": Kind(("Insect",), _ANIMAL, ("Honeybee",)),
    "Nature": Kind((), _NATURE),
    "Outdoors": Kind((), _NATURE, ("Outside",)),
    "Plant": Kind((), _NATURE, ("Flora",)),
    "Tree": Kind(("Plant",), _NATURE),
    "Grass": Kind(("Plant",), _NATURE),
    "Oak": Kind(("Tree",), _NATURE),
    "Forest": Kind(("Nature", "Outdoors"), _NATURE, ("Woods",)),
    "Meadow": Kind(("Grass", "Nature", "Outdoors"), _NATURE, ("Pasture",)),
    "Lake": Kind(("Nature", "Outdoors", "Water"), _NATURE),
    "Water": Kind((), _NATURE),
    "Person": Kind((), _PERSON, ("Human Being",), boxes=True),
    "Adult": Kind(("Person",), _PERSON, boxes=True),
    "Woman": Kind(("Adult",), _PERSON, boxes=True),
    "Man": Kind(("Adult",), _PERSON, boxes=True),
    "Child": Kind(("Person",), _PERSON, ("Kid",), boxes=True),
    "Clothing": Kind((), "Apparel", ("Garment",)),
    "Hat": Kind(("Clothing",), "Apparel", boxes=True),
    "Coat": Kind(("Clothing",), "Apparel", ("Jacket Coat",), boxes=True),
    "Transportation": Kind((), _VEHICLE),
    "Vehicle": Kind(("Transportation",), _VEHICLE),
    "Car": Kind(("Vehicle",), _VEHICLE, ("Motorcar",), boxes=True),
    "Pickup": Kind(("Car",), _VEHICLE),
    "Bicycle": Kind(("Vehicle",), _VEHICLE, ("Pedal Cycle",), boxes=True),
    "Boat": Kind(("Vehicle",), _VEHICLE, boxes=True),
    "Architecture": Kind((), _BUILT),
    "Building": Kind(("Architecture",), _BUILT, boxes=True),
    "House": Kind(("Building", "Housing"), _BUILT),
    "Housing": Kind((), _BUILT),
    "Barn": Kind(("Building", "Farm"), _BUILT),
    "Farm": Kind(("Outdoors",), _NATURE),
    "Indoors": Kind((), _HOME, ("Inside",)),
    "Furniture": Kind(("Indoors",), _HOME),
    "Chair": Kind(("Furniture",), _HOME, ("Seat Chair",), boxes=True),
    "Tool": Kind((), "Tools and Machinery"),
    "Hammer": Kind(("Tool",), "Tools and Machinery", boxes=True),
    "Photography": Kind((), "Hobbies and Interests"),
}


def _ancestors(name: str) -> set[str]:
    return {one for parent in TREE[name].parents for one in {parent, *_ancestors(parent)}}


PARENTS = {name: tuple(sorted(_ancestors(name))) for name in TREE}
LEAVES = tuple(sorted(set(TREE) - {parent for kind in TREE.values() for parent in kind.parents}))
