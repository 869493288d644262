"""Learn to read handwritten digits: load, train, evaluate. A pipeline like any other: it knows nothing of MLStack."""

from typing import Annotated

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from zenml import pipeline, step


@step
def load() -> tuple[
    Annotated[np.ndarray, "train_images"],
    Annotated[np.ndarray, "test_images"],
    Annotated[np.ndarray, "train_labels"],
    Annotated[np.ndarray, "test_labels"],
]:
    """1,797 images of 8 x 8 pixels, a quarter of them kept for the test. They come with scikit-learn: no download."""
    images, labels = load_digits(return_X_y=True)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images / 16.0, labels, test_size=0.25, random_state=0
    )
    return train_images, test_images, train_labels, test_labels


@step
def train(train_images: np.ndarray, train_labels: np.ndarray) -> Annotated[ClassifierMixin, "model"]:
    """A logistic regression."""
    return LogisticRegression(max_iter=500).fit(train_images, train_labels)


@step
def evaluate(
    model: ClassifierMixin, test_images: np.ndarray, test_labels: np.ndarray
) -> tuple[Annotated[float, "accuracy"], Annotated[dict[str, list[list[int]]], "metrics"]]:
    """How many of the images it has never seen it reads rightly, and which digits it takes for which."""
    predicted = model.predict(test_images)
    confusion = confusion_matrix(test_labels, predicted).tolist()
    return float(accuracy_score(test_labels, predicted)), {"confusion": confusion}


@pipeline
def digits() -> None:
    train_images, test_images, train_labels, test_labels = load()
    model = train(train_images, train_labels)
    evaluate(model, test_images, test_labels)
