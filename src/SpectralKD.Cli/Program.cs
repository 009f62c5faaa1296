System.Console.WriteLine(TorchSharp.torch.ones(2));
