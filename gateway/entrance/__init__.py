"""The way in before HTTP: certificates, fronts that tell addresses, who may connect at all."""
